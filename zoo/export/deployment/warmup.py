"""Warm-up requests of TensorFlow Serving, which a server answers before it announces a version as available.

https://www.tensorflow.org/tfx/serving/saved_model_warmup: a TFRecord file of `PredictionLog` messages in the folder of
a version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.export.deployment.prediction_log import prediction_log

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
CONTROLS = {  # {input of a signature that is no text: value in a warm-up request}
    "max_new_tokens": 8,
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "seed": 0,
}


def write_warmup(folder: Path, model_name: str, requests: Sequence[Mapping[str, str]]) -> int:
    """Write warm-up requests for each signature of a SavedModel that takes strings; returns how many.

    Each request is sent alone, and all of them as one batch.

    Args:
        folder: of the SavedModel.
        model_name: of the model on the server.
        requests: {input of `serving_default`: text}.
    """
    import tensorflow as tf

    batches = [[request] for request in requests] + ([list(requests)] if len(requests) > 1 else [])
    logs = list(_prediction_logs(folder, model_name, batches))
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())
    return len(logs)


def _prediction_logs(folder, model_name, batches) -> Iterator[Any]:
    """Yield a `PredictionLog` for each batch and each signature of strings; other inputs must be in `CONTROLS`."""
    import tensorflow as tf

    for signature, inputs in sorted(_signatures(folder).items()):
        texts = [name for name, info in inputs.items() if info.dtype == tf.string.as_datatype_enum]
        if not texts or inputs.keys() - texts - CONTROLS.keys():
            continue
        for batch in batches:
            log = prediction_log()()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = model_name, signature
            for name, info in inputs.items():
                if name in texts:
                    value = [request_texts.get(name, next(iter(request_texts.values()))) for request_texts in batch]
                else:
                    value = [CONTROLS[name]] * len(batch) if info.tensor_shape.dim else CONTROLS[name]
                tensor = tf.make_tensor_proto(value, tf.as_dtype(info.dtype))
                request.inputs[name].ParseFromString(tensor.SerializeToString())
            yield log


def _signatures(folder):
    """{name: {input: TensorInfo}} of the signatures of a SavedModel."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((folder / "saved_model.pb").read_bytes())
    signatures = saved_model.meta_graphs[0].signature_def
    return {name: dict(signature.inputs) for name, signature in signatures.items() if not name.startswith("__")}
