"""Messages of the Open Inference Protocol over gRPC: GRPCInferenceService.

Names, numbers and types of the fields are those of the protocol's open_inference_grpc.proto; the index of the model
repository is Triton's.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from zoo.serving.grpc.message_types import ProtoFile, message_classes

PACKAGE = "inference"
VERSIONED = ("string name = 1", "string version = 2")
TENSOR = ("string name = 1", "string datatype = 2", "repeated int64 shape = 3")
CONTENTS = (
    *TENSOR,
    "map inference.InferParameter parameters = 4",
    "inference.InferTensorContents contents = 5",
)

FILE = ProtoFile(
    package=PACKAGE,
    messages={
        "ServerLiveRequest": (),
        "ServerLiveResponse": ("bool live = 1",),
        "ServerReadyRequest": (),
        "ServerReadyResponse": ("bool ready = 1",),
        "ModelReadyRequest": VERSIONED,
        "ModelReadyResponse": ("bool ready = 1",),
        "ServerMetadataRequest": (),
        "ServerMetadataResponse": ("string name = 1", "string version = 2", "repeated string extensions = 3"),
        "ModelMetadataRequest": VERSIONED,
        "ModelMetadataResponse": (
            "string name = 1",
            "repeated string versions = 2",
            "string platform = 3",
            "repeated inference.ModelMetadataResponse.TensorMetadata inputs = 4",
            "repeated inference.ModelMetadataResponse.TensorMetadata outputs = 5",
        ),
        "ModelMetadataResponse.TensorMetadata": TENSOR,
        "ModelInferRequest": (
            "string model_name = 1",
            "string model_version = 2",
            "string id = 3",
            "map inference.InferParameter parameters = 4",
            "repeated inference.ModelInferRequest.InferInputTensor inputs = 5",
            "repeated inference.ModelInferRequest.InferRequestedOutputTensor outputs = 6",
            "repeated bytes raw_input_contents = 7",
        ),
        "ModelInferRequest.InferInputTensor": CONTENTS,
        "ModelInferRequest.InferRequestedOutputTensor": (
            "string name = 1",
            "map inference.InferParameter parameters = 2",
        ),
        "ModelInferResponse": (
            "string model_name = 1",
            "string model_version = 2",
            "string id = 3",
            "map inference.InferParameter parameters = 4",
            "repeated inference.ModelInferResponse.InferOutputTensor outputs = 5",
            "repeated bytes raw_output_contents = 6",
        ),
        "ModelInferResponse.InferOutputTensor": CONTENTS,
        "InferParameter": (
            "parameter_choice: bool bool_param = 1",
            "parameter_choice: int64 int64_param = 2",
            "parameter_choice: string string_param = 3",
            "parameter_choice: double double_param = 4",
            "parameter_choice: uint64 uint64_param = 5",
        ),
        "InferTensorContents": (
            "repeated bool bool_contents = 1",
            "repeated int32 int_contents = 2",
            "repeated int64 int64_contents = 3",
            "repeated uint32 uint_contents = 4",
            "repeated uint64 uint64_contents = 5",
            "repeated float fp32_contents = 6",
            "repeated double fp64_contents = 7",
            "repeated bytes bytes_contents = 8",
        ),
        "RepositoryIndexRequest": ("string repository_name = 1", "bool ready = 2"),
        "RepositoryIndexResponse": ("repeated inference.RepositoryIndexResponse.ModelIndex models = 1",),
        "RepositoryIndexResponse.ModelIndex": (*VERSIONED, "string state = 3", "string reason = 4"),
    },
)


@cache
def messages() -> SimpleNamespace:
    """The classes of the messages, as attributes: `messages().ModelInferRequest`."""
    return SimpleNamespace(**{name: cls for name, cls in message_classes(FILE).items() if "." not in name})
