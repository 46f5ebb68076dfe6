"""Export the network of a model to ONNX, OpenVINO or LiteRT, beside its tokenizer: ids in, numbers out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.export.deployment.example_requests import Request, example_requests
from zoo.export.example_batches import example_batches
from zoo.export.export_options import FLOAT32, ExportOptions
from zoo.export.formats.graph_network import GraphNetwork
from zoo.export.formats.output_comparison import fixed_batches, largest_difference
from zoo.export.precision import check_precision
from zoo.export.precision_report import print_precision
from zoo.export.saved_model import run_on_tensorflow
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import console, silence
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, check_new, write_text

FORMATS = {format: f"zoo.export.formats.{format}_file" for format in ("onnx", "openvino", "litert")}  # modules
DESCRIPTION = "description.json"


def export_network(pipeline: Pipeline, folder: str | Path, options: ExportOptions) -> Path:
    """Write the network of a pipeline in another runtime's format into a new folder; returns the folder.

    Beside the network's file lie tokenizer.json, from which `tokenizers` and transformers make ids, and
    description.json: its inputs and outputs, and the largest difference of its outputs from the model's on example
    texts, which is also printed.

    Raises UserError where the folder exists, a package is missing, the runtime lacks an operation of the network, or
    the outputs differ by more than the tolerance. Then nothing is left behind.
    """
    folder = Path(folder)
    check_new(folder, "export to")
    module = _module(options.format)
    check_packages(options.format, module)
    check_precision(pipeline.model, options.precision)
    run_on_tensorflow(write_network, pipeline, folder, options, example_requests(pipeline))
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    console.print(_summary(folder, description))
    if options.precision != FLOAT32:
        print_precision(pipeline, options.precision)
    return folder


def check_packages(format: str, module: Any) -> None:
    """Raise UserError, with the command that installs them, where packages of a format are missing."""
    missing = [package for package in module.PACKAGES if find_spec(package) is None]
    if missing:
        raise UserError(
            f'The export to {module.NAME} needs {", ".join(missing)}: pip install "keras-text-zoo[{format}]"'
        )


def write_network(pipeline: Pipeline, folder: Path, options: ExportOptions, requests: Sequence[Request]) -> None:
    """Write the network of a pipeline, compared on requests, in a process whose backend is TensorFlow."""
    module, objective = _module(options.format), pipeline.objective
    network = GraphNetwork(pipeline.model, options.precision, objective.length)
    batches = example_batches(pipeline, requests)
    with atomic_folder(folder) as partial:
        with silence():
            fixed = module.write(network, partial)
            if fixed:
                batches = fixed_batches(batches, network.length, pipeline.tokenizer.padding)
            run, tolerance = module.runner(partial)
            function = network.trace(fixed).network
            difference = largest_difference(function, run, batches, tolerance, module.FILE)
        pipeline.tokenizer.save(partial / "tokenizer.json")
        description = {
            "format": options.format,
            "file": module.FILE,
            "precision": options.precision,
            "inputs": {name: [1, network.length] if fixed else ["rows", "time"] for name in pipeline.model.input},
            "outputs": sorted(function(*batches[0].values())),
            "padding": pipeline.tokenizer.padding,
            "largest_difference": difference,
            "compared_texts": len(requests),
        }
        write_text(partial / DESCRIPTION, json.dumps(description, indent=2) + "\n")
        check_new(folder, "export to")  # another process may have exported meanwhile


def _module(format):
    return import_module(FORMATS[format])


def _summary(folder, description):
    shape = next(iter(description["inputs"].values()))
    length = f"one row of {shape[1]} ids, padded" if shape[0] == 1 else "any number of rows of any length"
    texts = f"{description['compared_texts']} example texts"
    return (
        f"{folder / description['file']}: outputs differ from the model's by at most "
        f"{description['largest_difference']:.1e} on {texts}. Inputs: {', '.join(description['inputs'])}, {length}."
    )
