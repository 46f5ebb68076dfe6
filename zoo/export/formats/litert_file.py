"""LiteRT (TensorFlow Lite) file of a network, model.tflite, of the runtime's own operations alone.

Any number of rows of any length where the converter allows it, else one row of a fixed length: padded, as in a batch.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from zoo.export.export_options import FLOAT16, INT8
from zoo.export.formats.graph_network import GraphNetwork, unsupported
from zoo.export.formats.output_comparison import TOLERANCE, Runner
from zoo.runtime.errors import UserError

PACKAGES, FILE, NAME = (), "model.tflite", "LiteRT"
FLOAT16_TOLERANCE = 1e-2  # the converter also rounds vectors, such as biases


def write(network: GraphNetwork, folder: Path) -> bool:
    """Write the file into a folder; returns whether inputs have a fixed shape. Raises UserError for an operation."""
    if network.precision == INT8:
        raise UserError(
            "Expected precision float32 or float16 for LiteRT, whose int8 kernels round activations too. "
            "Received: precision=int8."
        )
    fixed = False
    try:
        content = _convert(network, fixed)
    except Exception:  # an operation that needs a known shape: which ones, the converter does not say reliably
        fixed = True
        try:
            content = _convert(network, fixed)
        except Exception as error:
            raise UserError(_unsupported(network, str(error))) from error
    (folder / FILE).write_bytes(content)
    return fixed


def _convert(network, fixed):
    import tensorflow as tf

    module = network.trace(fixed)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.network.get_concrete_function()], module)
    if network.precision == FLOAT16:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def _unsupported(network, error):
    match = re.search(r"TF Select ops: (.*?)\s+Details", error, re.DOTALL)
    operations = re.split(r",\s*", match[1]) if match else re.findall(r"'tf\.(\w+)' op", error)
    return unsupported(network, NAME, operations or [error.strip().splitlines()[0][:200]])


def runner(folder: Path) -> tuple[Runner, float]:
    """A function that runs the network, and the tolerance of its outputs."""
    interpreter = _interpreter(str(folder / FILE))
    run_signature = interpreter.get_signature_runner()
    is_half = any(detail["dtype"].__name__ == FLOAT16 for detail in interpreter.get_tensor_details())
    return lambda batch: run_signature(**batch), FLOAT16_TOLERANCE if is_half else TOLERANCE


def _interpreter(path: str) -> Any:
    """The interpreter of the package ai-edge-litert where it is installed, else that of TensorFlow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from ai_edge_litert.interpreter import Interpreter  # pyright: ignore[reportMissingImports]
        except ImportError:
            import tensorflow as tf

            Interpreter = tf.lite.Interpreter
        return Interpreter(path)
