"""Messages of TensorFlow Serving's gRPC API: PredictionService and ModelService.

Names, numbers and types of the fields are those of tensorflow_serving/apis/*.proto.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from zoo.serving.grpc.message_types import ProtoFile, message_classes

PACKAGE = "tensorflow.serving"

REQUEST_OPTIONS = (
    "optional bytes client_id = 1",
    "optional tensorflow.serving.PredictRequest.RequestOptions.DeterministicMode deterministic_mode = 2",
    "optional bool return_additional_arrays_from_prefill = 3",
    "repeated int64 return_stoptokens = 4",
    "optional bool return_all_stoptokens = 9",
    "optional int64 max_cache_length = 6",
    "optional tensorflow.serving.PredictRequest.RequestOptions.Handshake handshake = 13",
)

FILE = ProtoFile(
    package=PACKAGE,
    imports=(
        "google.protobuf.any_pb2",
        "google.protobuf.wrappers_pb2",
        "tensorflow.core.example.example_pb2",
        "tensorflow.core.framework.tensor_pb2",
        "tensorflow.core.protobuf.error_codes_pb2",
        "tensorflow.core.protobuf.meta_graph_pb2",
    ),
    messages={
        "ModelSpec": (
            "string name = 1",
            "version_choice: google.protobuf.Int64Value version = 2",
            "version_choice: string version_label = 4",
            "string signature_name = 3",
        ),
        "ExampleList": ("repeated tensorflow.Example examples = 1",),
        "ExampleListWithContext": ("repeated tensorflow.Example examples = 1", "tensorflow.Example context = 2"),
        "Input": (
            "kind: tensorflow.serving.ExampleList example_list = 1",
            "kind: tensorflow.serving.ExampleListWithContext example_list_with_context = 2",
        ),
        "Class": ("string label = 1", "float score = 2"),
        "Classifications": ("repeated tensorflow.serving.Class classes = 1",),
        "ClassificationResult": ("repeated tensorflow.serving.Classifications classifications = 1",),
        "ClassificationRequest": ("tensorflow.serving.ModelSpec model_spec = 1", "tensorflow.serving.Input input = 2"),
        "ClassificationResponse": (
            "tensorflow.serving.ModelSpec model_spec = 2",
            "tensorflow.serving.ClassificationResult result = 1",
        ),
        "Regression": ("float value = 1",),
        "RegressionResult": ("repeated tensorflow.serving.Regression regressions = 1",),
        "RegressionRequest": ("tensorflow.serving.ModelSpec model_spec = 1", "tensorflow.serving.Input input = 2"),
        "RegressionResponse": (
            "tensorflow.serving.ModelSpec model_spec = 2",
            "tensorflow.serving.RegressionResult result = 1",
        ),
        "InferenceTask": ("tensorflow.serving.ModelSpec model_spec = 1", "string method_name = 2"),
        "InferenceResult": (
            "tensorflow.serving.ModelSpec model_spec = 1",
            "result: tensorflow.serving.ClassificationResult classification_result = 2",
            "result: tensorflow.serving.RegressionResult regression_result = 3",
        ),
        "MultiInferenceRequest": (
            "repeated tensorflow.serving.InferenceTask tasks = 1",
            "tensorflow.serving.Input input = 2",
        ),
        "MultiInferenceResponse": ("repeated tensorflow.serving.InferenceResult results = 1",),
        "PredictStreamedOptions": (
            "tensorflow.serving.PredictStreamedOptions.RequestState request_state = 1",
            "map int32 split_dimensions = 2",
            "bool return_single_response = 3",
        ),
        "PredictRequest": (
            "tensorflow.serving.ModelSpec model_spec = 1",
            "map tensorflow.TensorProto inputs = 2",
            "repeated string output_filter = 3",
            "tensorflow.serving.PredictStreamedOptions predict_streamed_options = 5",
            "optional bytes client_id = 6",
            "optional tensorflow.serving.PredictRequest.RequestOptions request_options = 7",
        ),
        "PredictRequest.RequestOptions": REQUEST_OPTIONS,
        "PredictRequest.RequestOptions.Handshake": ("int64 estimated_payload_bytes = 1",),
        "PredictResponse": (
            "tensorflow.serving.ModelSpec model_spec = 2",
            "map tensorflow.TensorProto outputs = 1",
        ),
        "SignatureDefMap": ("map tensorflow.SignatureDef signature_def = 1",),
        "GetModelMetadataRequest": (
            "tensorflow.serving.ModelSpec model_spec = 1",
            "repeated string metadata_field = 2",
        ),
        "GetModelMetadataResponse": (
            "tensorflow.serving.ModelSpec model_spec = 1",
            "map google.protobuf.Any metadata = 2",
        ),
        "StatusProto": ("tensorflow.error.Code error_code = 1", "string error_message = 2"),
        "GetModelStatusRequest": ("tensorflow.serving.ModelSpec model_spec = 1",),
        "ModelVersionStatus": (
            "int64 version = 1",
            "tensorflow.serving.ModelVersionStatus.State state = 2",
            "tensorflow.serving.StatusProto status = 3",
        ),
        "GetModelStatusResponse": ("repeated tensorflow.serving.ModelVersionStatus model_version_status = 1",),
    },
    enums={
        "PredictStreamedOptions.RequestState": {"NONE": 0, "SPLIT": 1, "END_SPLIT": 2, "CANCEL": 3},
        "PredictRequest.RequestOptions.DeterministicMode": {
            "DETERMINISTIC_MODE_UNSPECIFIED": 0,
            "FIXED_DECODER_SLOT": 1,
        },
        "ModelVersionStatus.State": {
            "UNKNOWN": 0,
            "START": 10,
            "LOADING": 20,
            "AVAILABLE": 30,
            "UNLOADING": 40,
            "END": 50,
        },
    },
)


@cache
def messages() -> SimpleNamespace:
    """The classes of the messages, as attributes: `messages().PredictRequest`."""
    return SimpleNamespace(**{name: cls for name, cls in message_classes(FILE).items() if "." not in name})
