"""`PredictionLog` messages of TensorFlow Serving, described by the numbers of their fields.

So an export does not need the package tensorflow-serving-api. Source: prediction_log.proto, predict.proto and
model.proto in https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis.
"""

from __future__ import annotations

from functools import cache
from typing import Any

PACKAGE = "tensorflow.serving"
MESSAGES = {  # {message: {field: (number, message of the field; "": a string)}}
    "ModelSpec": {"name": (1, ""), "signature_name": (3, "")},
    "PredictRequest": {"model_spec": (1, ".ModelSpec"), "inputs": (2, ".PredictRequest.InputsEntry")},
    "PredictLog": {"request": (1, ".PredictRequest")},
    "PredictionLog": {"predict_log": (6, ".PredictLog")},
}


@cache
def prediction_log() -> Any:
    """The message class `tensorflow.serving.PredictionLog`, with the fields that a request to `Predict` needs."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from tensorflow.core.framework import tensor_pb2

    pool = descriptor_pool.DescriptorPool()  # not the default one, where tensorflow-serving-api has these names
    _add_file(pool, tensor_pb2.DESCRIPTOR)
    file = descriptor_pb2.FileDescriptorProto(name="prediction_log.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)
    for name, fields in MESSAGES.items():
        _add_fields(file.message_type.add(name=name), fields)
    tensors = next(message for message in file.message_type if message.name == "PredictRequest")
    entry = tensors.nested_type.add(name="InputsEntry")
    entry.options.map_entry = True
    _add_fields(entry, {"key": (1, ""), "value": (2, "tensorflow.TensorProto")})
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.PredictionLog"))


def _add_fields(message, fields):
    """Add fields to the description of a message; one of map entries is repeated."""
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto

    for name, (number, message_name) in fields.items():
        repeated = message_name.endswith("Entry")
        field = message.field.add(name=name, number=number)
        field.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
        field.type = FieldDescriptorProto.TYPE_MESSAGE if message_name else FieldDescriptorProto.TYPE_STRING
        if message_name:
            field.type_name = f".{PACKAGE}{message_name}" if message_name[0] == "." else f".{message_name}"


def _add_file(pool, file):
    """Add the description of a file of messages, and of the files that it imports, to a pool."""
    from google.protobuf import descriptor_pb2

    for dependency in file.dependencies:
        _add_file(pool, dependency)
    description = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(description)
    pool.Add(description)
