"""ONNX file of a network, model.onnx, by tf2onnx (https://github.com/onnx/tensorflow-onnx), checked in onnxruntime."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np

from zoo.export.formats.graph_network import GraphNetwork, unsupported
from zoo.export.formats.onnx_precision import compress
from zoo.export.formats.output_comparison import TOLERANCE, Runner
from zoo.runtime.errors import UserError

PACKAGES, FILE, NAME = ("onnx", "onnxruntime", "tf2onnx"), "model.onnx", "ONNX"
OPSET = 18  # the newest of tf2onnx
LEFT_OUT = ("remove_back_to_back",)  # merges two reshapes into one whose shape is that of other dimensions
AXES = ("rows", "time")
MAX_BYTES = 2**31 - 1  # of a protobuf message


def write(network: GraphNetwork, folder: Path) -> bool:
    """Write the file into a folder; returns whether inputs have a fixed shape. Raises UserError for an operation."""
    import onnx

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    try:
        converted = _convert(network)
        compress(converted, network.precision)
        if converted.ByteSize() > MAX_BYTES:
            raise UserError("Expected a network below 2 GB for a file of ONNX. Received: a larger one.")
        onnx.checker.check_model(converted)
    except UserError:
        raise
    except Exception as error:
        raise UserError(_unsupported(network, str(error))) from error
    onnx.save(converted, folder / FILE)
    return False


def _convert(network) -> Any:
    """The `onnx.ModelProto`: as `tf2onnx.convert.from_function`, which always runs all of its optimizers."""
    import tensorflow as tf
    from tf2onnx import optimizer, tf_loader, tfonnx
    from tf2onnx.convert import tensor_names_from_structed

    module = network.trace()
    function = module.network.get_concrete_function()
    inputs = [tensor.name for tensor in function.inputs if tensor.dtype != tf.resource]
    outputs = [tensor.name for tensor in function.outputs]
    options: dict[str, Any] = {"input_names": inputs, "output_names": outputs, "opset": OPSET}
    options["tensors_to_rename"] = tensor_names_from_structed(function, inputs, outputs)
    options["custom_op_handlers"] = {"Erfc": (_erfc, [])}
    frozen = tf_loader.from_function(function, inputs, outputs)
    optimizers = {name: item for name, item in optimizer._get_optimizers().items() if name not in LEFT_OUT}
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        converted = optimizer.optimize_graph(tfonnx.process_tf_graph(graph, **options), optimizers=optimizers)
        proto = converted.make_model("zoo")
    for value in (*proto.graph.input, *proto.graph.output):
        for axis, dimension in zip(AXES, value.type.tensor_type.shape.dim, strict=False):
            if dimension.dim_param:
                dimension.dim_param = axis
    return proto


def _erfc(context, node, name, arguments):
    """1 - erf(x): ONNX has no Erfc, which GELU uses."""
    erf, unit = context.make_node("Erf", [node.input[0]]), context.make_const(f"{name}_one", np.array(1, "float32"))
    outputs = {"outputs": node.output, "shapes": node.output_shapes, "dtypes": node.output_dtypes, "name": name}
    context.remove_node(node.name)
    context.make_node("Sub", [unit.output[0], erf.output[0]], **outputs)


def _unsupported(network, error):
    operations = re.findall(r"op \[[^\]:]*: (\w+)\]|No Op registered for (\w+)", error)
    names = dict.fromkeys(name for pair in operations for name in pair if name)
    return unsupported(network, NAME, list(names) or [error.strip().splitlines()[0][:200]])


def runner(folder: Path) -> tuple[Runner, float]:
    """A function that runs the network, and the tolerance of its outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(folder / FILE, options, providers=["CPUExecutionProvider"])
    names, outputs = [i.name for i in session.get_inputs()], [output.name for output in session.get_outputs()]

    def run(batch):
        return dict(zip(outputs, session.run(outputs, {name: batch[name] for name in names}), strict=True))

    return run, TOLERANCE
