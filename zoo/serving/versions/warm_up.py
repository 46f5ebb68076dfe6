"""Warm-up of a loaded version: its recorded requests, else an example for each signature that takes strings.

TensorFlow optimises a graph when it runs for the first time, which takes seconds for a large one. Recorded requests are
those of TensorFlow Serving: a TFRecord file `assets.extra/tf_serving_warmup_requests` of PredictionLog messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.signature_defs import Signature, TensorSpec

FILE = "assets.extra/tf_serving_warmup_requests"
EXAMPLE = b"A text for warming up."
RUNS = 2  # the second shows what a request takes from now on
REQUEST_LIMIT = 1000  # records that are read, as in TensorFlow Serving


def warm_up(model: LoadedModel) -> int:
    """Run the recorded requests of a model, else its examples; the number of runs.

    Raises ServingError where a recorded request fails: such a version must not be served.
    """
    path = model.folder / FILE
    if path.is_file():
        return sum(_run_record(model, *request) for request in recorded_requests(path))
    return sum(_run_example(model, signature) for signature in model.signatures.values())


def _run_record(model, signature, inputs):
    try:
        model.run(signature, inputs)
    except ServingError as error:
        raise ServingError(error.code, f"a recorded warm-up request fails: {error.message}") from error
    return 1


def _run_example(model, signature):
    """Run an example of a signature; the number of runs, 0 where the signature cannot take the example."""
    if not any(spec.dtype == "string" for spec in signature.inputs.values()):
        return 0
    try:
        for _ in range(RUNS):
            model.run(signature.name, example_inputs(signature, model.signature_protos[signature.name].defaults))
    except ServingError:  # inputs that must agree in a way that a signature does not tell
        return 0
    return RUNS


def example_inputs(signature: Signature, defaults: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Example inputs of a signature, one row: a text for strings, 1 for numbers. Inputs with a default are left out."""
    return {name: _example(spec) for name, spec in signature.inputs.items() if name not in defaults}


def _example(spec: TensorSpec):
    shape = [size or 1 for size in spec.shape or ()]
    if spec.dtype == "string":
        return np.full(shape, EXAMPLE, object)
    return np.ones(shape, spec.dtype)


def recorded_requests(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield (signature, inputs) of each PredictRequest in a TFRecord file of PredictionLog messages.

    Raises ServingError where the file is damaged.
    """
    import tensorflow as tf

    log = _prediction_log()
    try:
        for record in tf.data.TFRecordDataset(str(path)).take(REQUEST_LIMIT).as_numpy_iterator():
            request = log.FromString(record).predict_log.request
            tensors = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            if tensors:  # a PredictLog; those of Classify and Regress hold features, which zoo's exports do not take
                yield request.model_spec.signature_name, tensors
    except (tf.errors.OpError, ValueError) as error:
        raise ServingError(Code.DATA_LOSS, f"{FILE} cannot be read: {error}") from error


def _prediction_log() -> Any:
    """The message class of the parts of tensorflow_serving.apis.PredictionLog that are read here."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from tensorflow.core.framework import tensor_pb2

    file = descriptor_pb2.FileDescriptorProto(name="zoo/warm_up.proto", package="zoo.warm_up", syntax="proto3")
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)
    _add_message(file, "ModelSpec", [("signature_name", 3, "string")])
    request = _add_message(file, "PredictRequest", [("model_spec", 1, "ModelSpec"), ("inputs", 2, "InputsEntry*")])
    entry = [("key", 1, "string"), ("value", 2, f".{tensor_pb2.TensorProto.DESCRIPTOR.full_name}")]
    _add_message(request, "InputsEntry", entry).options.map_entry = True
    _add_message(file, "PredictLog", [("request", 1, "PredictRequest")])
    _add_message(file, "PredictionLog", [("predict_log", 6, "PredictLog")])
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("zoo.warm_up.PredictionLog"))


def _add_message(parent, name, fields):
    """Add a message to a file or, nested, to a message; a type ends in * where the field is repeated."""
    is_file = hasattr(parent, "message_type")
    message = parent.message_type.add(name=name) if is_file else parent.nested_type.add(name=name)
    for field, number, kind in fields:
        descriptor = message.field.add(name=field, number=number)
        descriptor.label = 3 if kind.endswith("*") else 1  # LABEL_REPEATED, LABEL_OPTIONAL
        if kind == "string":
            descriptor.type = 9  # TYPE_STRING
        else:
            scope = ".zoo.warm_up.PredictRequest." if kind == "InputsEntry*" else ".zoo.warm_up."
            descriptor.type, descriptor.type_name = 11, kind if "." in kind else scope + kind.rstrip("*")
    return message
