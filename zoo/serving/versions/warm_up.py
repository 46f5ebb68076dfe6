"""Warm-up of a loaded version: its recorded requests, else an example for each signature that takes strings.

TensorFlow optimises a graph when it runs for the first time, which takes seconds for a large one. Recorded requests are
those of TensorFlow Serving: a TFRecord file `assets.extra/tf_serving_warmup_requests` of PredictionLog messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from zoo.serving.grpc.message_types import ProtoFile, message_classes
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.signature_defs import Signature, TensorSpec

FILE = "assets.extra/tf_serving_warmup_requests"
EXAMPLE = b"A text for warming up."
RUNS = 2  # the second shows what a request takes from now on
REQUEST_LIMIT = 1000  # records that are read, as in TensorFlow Serving
MESSAGES = ProtoFile(  # the fields of prediction_log.proto and predict.proto that are read here
    package="tensorflow.serving",
    imports=("tensorflow.core.framework.tensor_pb2",),
    messages={
        "ModelSpec": ("string signature_name = 3",),
        "PredictRequest": ("tensorflow.serving.ModelSpec model_spec = 1", "map tensorflow.TensorProto inputs = 2"),
        "PredictLog": ("tensorflow.serving.PredictRequest request = 1",),
        "PredictionLog": ("tensorflow.serving.PredictLog predict_log = 6",),
    },
)


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


@cache
def _prediction_log() -> Any:
    """The message class tensorflow.serving.PredictionLog."""
    return message_classes(MESSAGES)["PredictionLog"]
