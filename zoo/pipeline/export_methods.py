"""Export of a pipeline: `export`, to a SavedModel, another runtime's format, or a folder for transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.runtime.errors import UserError, one_of


class ExportMethods:
    """The method of a `Pipeline` that exports it."""

    def export(
        self,
        folder: str | Path,
        format: str = "saved_model",
        precision: str = "float32",
        *,
        batching: Mapping[str, int] | str | bool | None = None,
        beams: int | None = None,
        deploy: bool = False,
    ) -> Path:
        """Write a SavedModel that takes raw strings, or a folder for another runtime or for transformers. Returns it.

        Args:
            folder: a new folder.
            format: "saved_model", see `zoo.export.saved_model.export`; "huggingface", see
                `zoo.checkpoints.hf_export.write_huggingface`; "onnx", "openvino" or "litert", the network alone, see
                `zoo.export.formats.network_export.export_network`.
            precision: of the weights: see `zoo.export.precision`.
            batching: of a SavedModel: settings of dynamic batching, a dict or text such as "max_batch_size=32", see
                `zoo.export.export_options.Batching`; False or "off": none; by default on.
            beams: of a SavedModel that generates: number of beams of its beam search; None: the model's own default.
            deploy: also write the files that run a server of the SavedModel, which docs/serving.md describes: warm-up
                requests into the folder, whose name must be a number, others into the folder `serving` beside it.

        Raises UserError for options of another format, and as the functions named above.
        """
        from zoo.checkpoints.hf_export import write_huggingface
        from zoo.export.export_options import SAVED_MODEL, ExportOptions, parse_batching
        from zoo.export.formats.network_export import FORMATS, export_network
        from zoo.export.saved_model import export

        pipeline: Any = self
        pipeline.check_weight_type()
        one_of("format", format, (SAVED_MODEL, "huggingface", *FORMATS))
        settings = {"batching": batching, "beams": beams, "deploy": deploy or None}
        for name, value in settings.items() if format != SAVED_MODEL else ():
            if value is not None:
                raise UserError(f"Expected {name} for a SavedModel. Received: {name}={value!r}, format={format!r}.")
        if format == "huggingface":
            if precision != "float32":
                raise UserError(
                    "Expected precision='float32' for transformers, which rounds weights when it loads them. "
                    f"Received: precision={precision!r}."
                )
            return write_huggingface(pipeline, folder)
        settings = {"batching": parse_batching(True if batching is None else batching), "beams": beams}
        options = ExportOptions(format=format, precision=precision, deploy=deploy, **settings)
        return (export if format == SAVED_MODEL else export_network)(pipeline, folder, options)
