"""Predict of TensorFlow Serving's gRPC API, called by the official stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_serving import DTYPES, error_of, make_service, serve
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from zoo.serving.grpc.tensor_protos import read_tensor, write_tensor

INVALID = "INVALID_ARGUMENT"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    return make_service(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def channel(service):
    with serve(service) as address, grpc.insecure_channel(address) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def request(name="text", inputs=None, outputs=(), **spec):
    message = predict_pb2.PredictRequest(output_filter=outputs)
    message.model_spec.name = name
    for key, value in spec.items():
        if key == "version":
            message.model_spec.version.value = value
        else:
            setattr(message.model_spec, key, value)
    for key, value in ({"text": ["a", "bcd"]} if inputs is None else inputs).items():
        message.inputs[key].CopyFrom(value if isinstance(value, TensorProto) else tf.make_tensor_proto(value))
    return message


def arrays(response):
    return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}


def test_strings_are_answered_with_strings_and_floats(stub):
    response = stub.Predict(request(inputs={"text": ["a", "bcd", "é\0"]}))
    outputs = arrays(response)
    assert outputs["text"].tolist() == [b"a", b"bcd", "é\0".encode()]
    assert outputs["length"].tolist() == [1, 3, 3]
    assert outputs["score"].tolist() == [[2, 1], [6, 3], [6, 3]]
    assert response.outputs["score"].float_val  # values, not tensor_content, as a stock server writes them
    assert not response.outputs["score"].tensor_content
    assert response.model_spec.name == "text"
    assert response.model_spec.version.value == 2
    assert response.model_spec.signature_name == "serving_default"


def test_a_version_and_a_signature_are_chosen(stub):
    response = stub.Predict(request(version=1))
    assert arrays(response)["score"].tolist() == [[1, 0.5], [3, 1.5]]
    assert response.model_spec.version.value == 1
    response = stub.Predict(request(inputs={"x": np.ones((2, 3), "float32")}, signature_name="total"))
    assert arrays(response)["total"].tolist() == [3, 3]
    assert response.model_spec.signature_name == "total"


def test_an_output_filter_selects_outputs(stub):
    assert set(stub.Predict(request(outputs=["length", "text"])).outputs) == {"length", "text"}
    assert error_of(stub.Predict, request(outputs=["other"])) == (
        INVALID,
        "output tensor alias not found in signature: other Outputs expected to be in the set {length,score,text}.",
    )
    assert error_of(stub.Predict, request(outputs=["text", "text"])) == (
        INVALID,
        "duplicate output tensor alias: text",
    )


def test_a_missing_input_has_the_default_of_its_signature(stub):
    sent = request(inputs={"text": ["abc"]}, signature_name="scaled")
    assert arrays(stub.Predict(sent))["scaled"].tolist() == [30]
    sent = request(inputs={"text": ["abc"], "temperature": 0.5}, signature_name="scaled")
    assert arrays(stub.Predict(sent))["scaled"].tolist() == [1.5]


@pytest.mark.parametrize(
    ("sent", "code", "details"),
    [
        (predict_pb2.PredictRequest(), INVALID, "Missing ModelSpec"),
        (request(name=""), INVALID, "ModelSpec has no name specified."),
        (request(name="half"), "NOT_FOUND", "Servable not found for request: Latest(half)"),
        (request(version=3), "NOT_FOUND", "Servable not found for request: Specific(text, 3)"),
        (request(version_label="x"), INVALID, "Unrecognized servable version label: x"),
        (request(version_label=""), INVALID, "Unrecognized servable version label: "),
        (request(signature_name="x"), "FAILED_PRECONDITION", 'Serving signature key "x" not found.'),
        (
            request(inputs={}),
            INVALID,
            "input size does not match signature: 0!=1 len({}) != len({text}). Sent extra: {}. "
            "Missing but required: {text}.",
        ),
        (
            request(inputs={"text": ["a"], "b": 1, "a": 2}),
            INVALID,
            "input size does not match signature: 3!=1 len({a,b,text}) != len({text}). Sent extra: {a,b}. "
            "Missing but required: {}.",
        ),
        (
            request(inputs={"txt": ["a"]}),
            INVALID,
            "Signature input alias: text(feed name: serving_default_text:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {txt}, or default input alias set: ",
        ),
        (
            request(inputs={"text": ["a"], "other": 1}, signature_name="scaled"),
            INVALID,
            "Inputs contains invalid name. Used request inputs: text, request input: other,text",
        ),
    ],
)
def test_errors_are_those_of_tensorflow_serving(stub, sent, code, details):
    assert error_of(stub.Predict, sent) == (code, details)


@pytest.mark.parametrize(
    ("proto", "details"),
    [
        (tf.make_tensor_proto([1.5]), "Expects arg[0] to be string but float is provided"),
        (tf.make_tensor_proto([1]), "Expects arg[0] to be string but int32 is provided"),
        (TensorProto(), "tensor parsing error: text"),
        (TensorProto(dtype=99), "tensor parsing error: text"),
        (TensorProto(dtype=7, tensor_shape={"dim": [{"size": -1}]}), "tensor parsing error: text"),
        (TensorProto(dtype=7, tensor_shape={"dim": [{"size": 1}] * 100}), "tensor parsing error: text"),
        (
            TensorProto(dtype=7, tensor_shape={"dim": [{"size": 2}]}, tensor_content=b"\x09a"),
            "tensor parsing error: text",
        ),
    ],
)
def test_damaged_tensors_are_refused(stub, proto, details):
    assert error_of(stub.Predict, request(inputs={"text": proto})) == (INVALID, details)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3), ()])
def test_a_shape_that_the_signature_does_not_take_is_refused(stub, shape):
    sent = request(inputs={"x": np.zeros(shape, "float32")}, signature_name="total")
    assert error_of(stub.Predict, sent)[0] == INVALID


def test_a_tensor_of_a_few_bytes_does_not_fill_the_memory(stub):
    shape = {"dim": [{"size": 1 << 20}, {"size": 1 << 20}]}
    empty = {"dim": [{"size": 0}, {"size": 1 << 62}, {"size": 1 << 62}]}
    for proto in (
        TensorProto(dtype=7, tensor_shape=shape),
        TensorProto(dtype=1, tensor_shape=shape, float_val=[0]),
        TensorProto(dtype=7, tensor_shape=empty),
    ):
        sent = (
            request(inputs={"text": proto})
            if proto.dtype == 7
            else request(inputs={"x": proto}, signature_name="total")
        )
        code, details = error_of(stub.Predict, sent)
        assert code == "RESOURCE_EXHAUSTED"
        assert "the limit is" in details


def test_values_fill_up_a_tensor_as_in_tensorflow(stub):
    half = TensorProto(dtype=1, tensor_shape={"dim": [{"size": 2}, {"size": 3}]}, float_val=[1, 2])
    assert arrays(stub.Predict(request(inputs={"x": half}, signature_name="total")))["total"].tolist() == [5, 6]
    half = TensorProto(dtype=7, tensor_shape={"dim": [{"size": 3}]}, string_val=[b"a", b"bc"])
    assert arrays(stub.Predict(request(inputs={"text": half})))["text"].tolist() == [b"a", b"bc", b"bc"]
    content = TensorProto(dtype=7, tensor_shape={"dim": [{"size": 2}]}, tensor_content=b"\x01\x02abc")
    assert arrays(stub.Predict(request(inputs={"text": content})))["text"].tolist() == [b"a", b"bc"]


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 1, 2), (0, 3)])
def test_every_dtype_and_shape_goes_there_and_back(stub, shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2
    sent = {f"in_{dtype}": values.astype(str).astype(object) for dtype in ["string"]}
    sent |= {f"in_{dtype}": tf.cast(values, dtype).numpy() for dtype in DTYPES if dtype != "string"}
    protos = {name: tf.make_tensor_proto(value, name[3:], shape) for name, value in sent.items()}
    outputs = arrays(stub.Predict(request("dtypes", protos)))
    for dtype in DTYPES:
        expected = tf.make_ndarray(protos[f"in_{dtype}"])
        received = outputs[f"out_{dtype}"]
        assert (received.dtype, received.shape) == (expected.dtype, shape)
        assert received.tolist() == expected.tolist()


@pytest.mark.parametrize("size", [1, 31, 32, 33, 5_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_packed_floats_are_those_of_tensorflow(size, dtype):
    """Sizes around those whose lengths take another byte."""
    array = np.random.default_rng(size).normal(size=(size, 1)).astype(dtype)
    proto = TensorProto()
    write_tensor(array, proto)
    assert np.array_equal(tf.make_ndarray(proto), array)
    assert len(getattr(proto, {"float32": "float_val", "float64": "double_val"}[dtype])) == size


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_are_read_as_tensorflow_reads_them(dtype):
    """Values and content, complete and not, against TensorFlow's own reader."""
    complete = tf.make_tensor_proto(
        tf.cast([[0, 1], [2, 3]], dtype) if dtype != "string" else [["a", "b\0"], ["", "d"]]
    )
    values = TensorProto()
    write_tensor(tf.make_ndarray(complete), values)
    for proto in (complete, values):
        expected = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
        received = read_tensor(proto, "x", dtype, 1_000)
        assert received.dtype == expected.dtype
        assert received.tolist() == expected.tolist()
