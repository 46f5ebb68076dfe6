"""OpenVINO files of a network: model.xml and model.bin, converted from a SavedModel.

Weights in float16 and int8 stay so in the file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.export.formats.graph_network import GraphNetwork, unsupported
from zoo.export.formats.output_comparison import TOLERANCE, Runner
from zoo.runtime.errors import UserError

PACKAGES, FILE, NAME = ("openvino",), "model.xml", "OpenVINO"
EXACT = {  # by default it computes in bfloat16 where the processor can, and rounds activations beside int8 weights
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
}
TELEMETRY = "openvino_telemetry"  # reports conversions to its vendor where it can be imported


def write(network: GraphNetwork, folder: Path) -> bool:
    """Write the files into a folder; returns whether inputs have a fixed shape. Raises UserError for an operation."""
    sys.modules.setdefault(TELEMETRY, None)  # pyright: ignore[reportArgumentType]  # it cannot be imported: OpenVINO has a stub
    import openvino
    import tensorflow as tf

    module = network.trace()
    with TemporaryDirectory() as saved_model:
        tf.saved_model.save(module, saved_model, signatures={"serving_default": module.network})
        try:
            converted = openvino.convert_model(saved_model)
        except Exception as error:
            raise UserError(_unsupported(network, str(error))) from error
        openvino.save_model(converted, folder / FILE, compress_to_fp16=False)
    return False


def runner(folder: Path) -> tuple[Runner, float]:
    """A function that runs the network, and the tolerance of its outputs."""
    import openvino

    compiled = openvino.Core().compile_model(folder / FILE, "CPU", EXACT)

    def run(batch):
        outputs = compiled(dict(batch))
        return {name: array for output, array in outputs.items() for name in output.get_names()}

    return run, TOLERANCE


def _unsupported(network, error):
    operations = re.findall(r"(?:No translator found for|operations?:?)\s+(\w+)", error)
    return unsupported(network, NAME, operations or [error.strip().splitlines()[0][:200]])
