"""GRPCInferenceService of the Open Inference Protocol, called with messages of the private pool."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_serving import DTYPES, error_of, make_service, serve
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.serving.grpc.infer_messages import CONTENTS
from zoo.serving.grpc.open_inference_messages import FILE, messages
from zoo.serving.open_inference.binary_tensors import array_from_bytes, bytes_from_array
from zoo.serving.open_inference.datatypes import DATATYPES

TEXT = {"name": "text", "shape": [2], "datatype": "BYTES", "contents": {"bytes_contents": [b"a", b"bcd"]}}
INVALID = "INVALID_ARGUMENT"


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    service = make_service(tmp_path_factory.mktemp("models"))
    with serve(service) as address, grpc.insecure_channel(address) as channel:
        yield channel


def call(channel, name, /, **fields):
    classes = messages()
    request = getattr(classes, f"{name}Request")(**fields)
    response = getattr(classes, f"{name}Response")
    method = channel.unary_unary(
        f"/inference.GRPCInferenceService/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response.FromString,
    )
    return method(request)


def infer(channel, inputs=(TEXT,), model="text", **fields):
    return call(channel, "ModelInfer", model_name=model, inputs=list(inputs), **fields)


def test_the_server_and_its_models_describe_themselves(channel):
    assert call(channel, "ServerLive").live
    assert call(channel, "ServerReady").ready
    assert call(channel, "ModelReady", name="text").ready
    assert call(channel, "ModelReady", name="text", version="1").ready
    assert error_of(call, channel, "ModelReady", name="half")[0] == "NOT_FOUND"
    assert error_of(call, channel, "ModelReady", name="text", version="3")[0] == "NOT_FOUND"
    assert call(channel, "ServerMetadata").name == "zoo"
    metadata = call(channel, "ModelMetadata", name="text")
    assert (metadata.name, metadata.platform, list(metadata.versions)) == ("text", "tensorflow_savedmodel", ["1", "2"])
    assert [(t.name, t.datatype, list(t.shape)) for t in metadata.inputs] == [("text", "BYTES", [-1])]
    models = call(channel, "RepositoryIndex").models
    assert ("text", "2", "READY") in {(model.name, model.version, model.state) for model in models}


def test_typed_contents_are_answered_with_typed_contents(channel):
    parameters = {"trace": {"string_param": "x"}, "rows": {"uint64_param": 1 << 63}, "fast": {"bool_param": True}}
    response = infer(channel, id="42", parameters=parameters)
    assert (response.model_name, response.model_version, response.id) == ("text", "2", "42")
    assert {name: value.WhichOneof("parameter_choice") for name, value in response.parameters.items()} == {
        "trace": "string_param",
        "rows": "uint64_param",
        "fast": "bool_param",
    }
    outputs = {tensor.name: tensor for tensor in response.outputs}
    assert list(outputs["text"].contents.bytes_contents) == [b"a", b"bcd"]
    assert list(outputs["length"].contents.int_contents) == [1, 3]
    assert list(outputs["score"].contents.fp32_contents) == [2, 1, 6, 3]
    assert list(outputs["score"].shape) == [2, 2]
    assert not response.raw_output_contents


def test_a_version_a_signature_and_outputs_are_chosen(channel):
    response = infer(channel, model_version="1", outputs=[{"name": "score"}])
    assert [list(tensor.contents.fp32_contents) for tensor in response.outputs] == [[1, 0.5, 3, 1.5]]
    x = {"name": "x", "shape": [1, 3], "datatype": "FP32", "contents": {"fp32_contents": [1, 2, 3.5]}}
    response = infer(channel, [x], parameters={"signature": {"string_param": "total"}})
    assert list(response.outputs[0].contents.fp32_contents) == [6.5]


@pytest.mark.parametrize("shape", [[], [0], [3], [2, 1, 2]])
@pytest.mark.parametrize("raw", [False, True])
def test_every_datatype_goes_there_and_back(channel, shape, raw):
    """A model with FP16 and BF16, which have no typed contents, is answered with raw bytes."""
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2
    arrays = {dtype: tf.cast(values, dtype).numpy() for dtype in DTYPES if dtype != "string"}
    arrays["string"] = np.array([str(value).encode() for value in values.ravel().tolist()], object).reshape(shape)
    inputs = [{"name": f"in_{dtype}", "shape": shape, "datatype": DATATYPES[dtype]} for dtype in arrays]
    contents = [bytes_from_array(array) for array in arrays.values()]
    if not raw:
        tensor = {"name": "text", "shape": [1], "datatype": "FP16", "contents": {}}
        assert "raw_input_contents" in error_of(infer, channel, [tensor])[1]
    response = infer(channel, inputs, "dtypes", raw_input_contents=contents)
    for tensor, data in zip(response.outputs, response.raw_output_contents, strict=True):
        dtype = tensor.name.removeprefix("out_")
        assert (tensor.datatype, list(tensor.shape)) == (DATATYPES[dtype], shape)
        assert array_from_bytes(data, tensor.datatype, shape).tolist() == arrays[dtype].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datatype": "FP32"}, "Expected 2 elements for shape [2]. Received: 0."),
        ({"datatype": "FP32", "contents": {"fp32_contents": [1, 2]}}, "Expected datatype BYTES for input 'text'"),
        ({"datatype": "TEXT"}, "Received: 'TEXT'."),
        ({"shape": [3]}, "Expected 3 elements for shape [3]. Received: 2."),
        ({"shape": [-1]}, "Expected the shape of input 'text'"),
        ({"shape": [1] * 40}, "Expected the shape of input 'text'"),
        ({"datatype": "INT8", "contents": {"int_contents": [1, 200]}}, "in the range of INT8"),
        ({"name": "txt"}, "Did you mean 'text'?"),
    ],
)
def test_a_wrong_input_is_refused(channel, change, message):
    code, details = error_of(infer, channel, [TEXT | change])
    assert code == INVALID
    assert message in details


def test_a_wrong_request_is_refused(channel):
    assert error_of(infer, channel, [])[0] == INVALID
    assert "twice" in error_of(infer, channel, [TEXT, TEXT])[1]
    assert "both" in error_of(infer, channel, raw_input_contents=[b""])[1]
    assert "all 1 inputs" in error_of(infer, channel, raw_input_contents=[b"", b""])[1]
    assert error_of(infer, channel, outputs=[{"name": "other"}])[0] == INVALID
    assert error_of(infer, channel, parameters={"signature": {"string_param": "x"}})[0] == INVALID
    assert error_of(infer, channel, parameters={"signature": {"int64_param": 1}})[0] == INVALID
    assert error_of(infer, channel, model="half")[0] == "NOT_FOUND"
    assert error_of(infer, channel, model_version="3")[0] == "NOT_FOUND"


INPUTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["text", "x", "other"]),
        "datatype": st.sampled_from([*DATATYPES.values(), "TEXT", ""]),
        "shape": st.lists(st.integers(-1, 3) | st.sampled_from([1 << 40, (1 << 63) - 1]), max_size=3),
    },
    optional={
        "contents": st.fixed_dictionaries(
            {},
            optional={
                "bytes_contents": st.lists(st.binary(max_size=4), max_size=4),
                "fp32_contents": st.lists(st.floats(width=32), max_size=4),
                "int_contents": st.lists(st.integers(-300, 300), max_size=4),
                "uint64_contents": st.lists(st.integers(0, (1 << 64) - 1), max_size=4),
            },
        )
    },
)


@given(
    inputs=st.lists(INPUTS, max_size=2),
    raw=st.lists(st.binary(max_size=12), max_size=2),
    signature=st.sampled_from([{}, {"signature": {"string_param": "total"}}, {"signature": {"bool_param": True}}]),
)
@settings(max_examples=150)
def test_any_request_is_answered_or_an_error_of_the_client(channel, inputs, raw, signature):
    try:
        infer(channel, inputs, raw_input_contents=raw, parameters=signature)
    except grpc.RpcError as error:
        code = error.code().name
    else:
        code = "OK"
    assert code in ("OK", INVALID)


def test_every_datatype_has_a_field_of_contents():
    fields = {line.split()[-3] for line in FILE.messages["InferTensorContents"]}
    assert set(CONTENTS.values()) == fields
    assert set(DATATYPES.values()) - set(CONTENTS) == {"FP16", "BF16"}
