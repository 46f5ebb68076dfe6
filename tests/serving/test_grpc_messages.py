"""Messages in the private pool: the fields of the official packages, and no conflict with them in one process."""

import numpy as np
import pytest
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from zoo.serving.grpc import health_service, open_inference_messages, tensorflow_serving_messages

OFFICIAL = (prediction_service_pb2.DESCRIPTOR, model_service_pb2.DESCRIPTOR)
NAMES = list(tensorflow_serving_messages.FILE.messages)


def official_messages(file, seen):
    """{full name: descriptor} of the messages of a file and of those that it imports."""
    if file.name in seen:
        return {}
    seen.add(file.name)
    messages = {}
    for dependency in file.dependencies:
        messages |= official_messages(dependency, seen)
    stack = list(file.message_types_by_name.values())
    while stack:
        message = stack.pop()
        messages[message.full_name] = message
        stack.extend(message.nested_types)
    return messages


def official():
    seen = set()
    return official_messages(OFFICIAL[0], seen) | official_messages(OFFICIAL[1], seen)


def fields(message):
    """What protobuf writes of each field of a message: number, type, label, packing, oneof, presence, enum values."""
    return {
        field.name: (
            field.number,
            field.type,
            field.is_repeated,
            field.is_packed,
            field.has_presence,
            field.containing_oneof and field.containing_oneof.name,
            field.message_type and field.message_type.full_name,
            field.message_type and field.message_type.GetOptions().map_entry and fields(field.message_type),
            field.enum_type and (field.enum_type.full_name, [(v.name, v.number) for v in field.enum_type.values]),
        )
        for field in message.fields
    }


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_those_of_the_official_package(name):
    ours = tensorflow_serving_messages.messages().PredictRequest.DESCRIPTOR.file.pool
    full_name = f"tensorflow.serving.{name}"
    assert fields(ours.FindMessageTypeByName(full_name)) == fields(official()[full_name])


def test_every_message_of_the_services_is_described():
    for file in OFFICIAL:
        for service in file.services_by_name.values():
            for method in service.methods:
                if method.name != "HandleReloadConfigRequest":
                    assert {method.input_type.name, method.output_type.name} <= set(NAMES)


def test_messages_of_the_same_names_stay_apart():
    ours = tensorflow_serving_messages.messages().PredictRequest
    theirs = official()["tensorflow.serving.PredictRequest"]
    assert ours.DESCRIPTOR.full_name == theirs.full_name
    assert ours.DESCRIPTOR.file.pool is not theirs.file.pool


@pytest.mark.parametrize("file", [open_inference_messages, health_service])
def test_a_message_of_each_type_is_written_and_read(file):
    for name, cls in vars(file.messages()).items():
        message = cls()
        for field in cls.DESCRIPTOR.fields:
            if not field.message_type:
                value = {9: "a", 12: b"a", 8: True}.get(field.type, 1)
                setattr(message, field.name, value) if not field.is_repeated else getattr(message, field.name).append(
                    value
                )
        assert cls.FromString(message.SerializeToString()) == message, name


def test_the_bytes_of_an_infer_request_are_the_protocols():
    """Tag bytes computed by hand from the numbers in open_inference_grpc.proto."""
    messages = open_inference_messages.messages()
    request = messages.ModelInferRequest(model_name="m", model_version="2", id="i", raw_input_contents=[b"r"])
    assert request.SerializeToString() == b"\x0a\x01m\x12\x012\x1a\x01i\x3a\x01r"
    contents = messages.InferTensorContents(bytes_contents=[b"x"], fp32_contents=[1])
    assert contents.SerializeToString() == b"\x32\x04" + np.float32(1).tobytes() + b"\x42\x01x"
