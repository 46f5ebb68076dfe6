"""Open Inference Protocol over REST: the protocol's own JSON, the binary tensor data extension, and any JSON."""

import base64
import json
import struct

import numpy as np
import pytest
import tensorflow as tf
from grpc_serving import DTYPES, make_service
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from zoo.serving.http.app import create_app
from zoo.serving.open_inference.binary_tensors import array_from_bytes, bytes_from_array
from zoo.serving.open_inference.datatypes import DATATYPES
from zoo.serving.open_inference.json_tensors import array_from_json
from zoo.serving.open_inference.open_inference_routes import routes
from zoo.serving.serving_error import ServingError

SIZE = "Inference-Header-Content-Length"
TEXT = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a", "bcd"]}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    return make_service(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def client(service):
    with TestClient(create_app(service, {"open_inference": routes})) as client:
        yield client


def infer(client, body, path="/v2/models/text/infer", status=200):
    response = client.post(path, json=body)
    assert response.status_code == status, response.text
    return response.json()


def outputs(answer):
    return {output["name"]: output for output in answer["outputs"]}


def test_the_server_and_its_models_describe_themselves(client):
    server = client.get("/v2").json()
    assert server["name"] == "zoo"
    assert "binary_tensor_data" in server["extensions"]
    assert client.get("/v2/").json() == server
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/text/ready").json() == {"name": "text", "ready": True}
    assert client.get("/v2/models/text/versions/1/ready").status_code == 200
    assert client.get("/v2/models/text").json() == {
        "name": "text",
        "versions": ["1", "2"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": "length", "datatype": "INT32", "shape": [-1]},
            {"name": "score", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "text", "datatype": "BYTES", "shape": [-1]},
        ],
    }
    assert client.get("/v2/models/text?signature=total").json()["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": [-1, 3]}
    ]


def test_the_repository_has_an_index(client):
    index = client.post("/v2/repository/index", json={"ready": True}).json()
    assert {(row["name"], row["version"], row["state"]) for row in index} == {
        ("dtypes", "7", "READY"),
        ("examples", "1", "READY"),
        ("text", "1", "READY"),
        ("text", "2", "READY"),
    }
    assert client.post("/v2/repository/index").json() == index
    assert client.post("/v2/repository/models/text/load").status_code == 501


def test_an_inference_answers_with_all_outputs(client):
    body = {"id": "42", "parameters": {"trace": 7}, "inputs": [TEXT]}
    assert infer(client, body) == {
        "model_name": "text",
        "model_version": "2",
        "id": "42",
        "parameters": {"trace": 7},
        "outputs": [
            {"name": "length", "datatype": "INT32", "shape": [2], "data": [1, 3]},
            {"name": "score", "datatype": "FP32", "shape": [2, 2], "data": [2, 1, 6, 3]},
            {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["a", "bcd"]},
        ],
    }


def test_a_version_a_signature_and_outputs_are_chosen(client):
    body = {"inputs": [TEXT], "outputs": [{"name": "score"}]}
    answer = infer(client, body, "/v2/models/text/versions/1/infer")
    assert answer["model_version"] == "1"
    assert [output["data"] for output in answer["outputs"]] == [[1, 0.5, 3, 1.5]]
    x = {"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [[1, 2, 3], [4, 5, 6.5]]}
    body = {"inputs": [x], "parameters": {"signature": "total"}}
    assert outputs(infer(client, body))["total"]["data"] == [6, 15.5]
    scaled = {"inputs": [TEXT], "parameters": {"signature": "scaled"}}
    assert outputs(infer(client, scaled))["scaled"]["data"] == [10, 30]  # by the default of the signature


def test_text_that_is_no_text_is_base64(client):
    encoded = [base64.b64encode(b"\xff\0").decode(), base64.b64encode("é".encode()).decode()]
    tensor = TEXT | {"data": encoded, "parameters": {"content_type": "base64"}}
    answer = outputs(infer(client, {"inputs": [tensor]}))["text"]
    assert answer["data"] == encoded
    assert answer["parameters"] == {"content_type": "base64"}
    asked = [{"name": "text", "parameters": {"content_type": "base64"}}]
    answer = outputs(infer(client, {"inputs": [TEXT | {"data": ["é", "漢"]}], "outputs": asked}))["text"]
    assert [base64.b64decode(text).decode() for text in answer["data"]] == ["é", "漢"]
    assert outputs(infer(client, {"inputs": [TEXT | {"data": ["é", "\0"]}]}))["text"]["data"] == ["é", "\0"]


@pytest.mark.parametrize("shape", [[], [0], [3], [2, 1, 2]])
@pytest.mark.parametrize("binary", [False, True])
def test_every_datatype_goes_there_and_back(client, shape, binary):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2
    arrays = {dtype: tf.cast(values, dtype).numpy() for dtype in DTYPES if dtype != "string"}
    arrays["string"] = np.array([str(value).encode() for value in values.ravel().tolist()], object).reshape(shape)
    inputs, tail = [], b""
    for dtype, array in arrays.items():
        tensor = {"name": f"in_{dtype}", "shape": shape, "datatype": DATATYPES[dtype]}
        if binary:
            tensor["parameters"] = {"binary_data_size": len(bytes_from_array(array))}
            tail += bytes_from_array(array)
        else:
            flat = array.astype("float32") if dtype == "bfloat16" else array
            tensor["data"] = [v.decode() if dtype == "string" else v for v in flat.ravel().tolist()]
        inputs.append(tensor)
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": binary}}).encode()
    headers = {SIZE: str(len(text))} if binary else {}
    response = client.post("/v2/models/dtypes/infer", content=text + tail, headers=headers)
    assert response.status_code == 200, response.text
    size = int(response.headers.get(SIZE, len(response.content)))
    answer, tail = outputs(json.loads(response.content[:size])), response.content[size:]
    for dtype in arrays:
        tensor = answer[f"out_{dtype}"]
        assert (tensor["datatype"], tensor["shape"]) == (DATATYPES[dtype], shape)
    for tensor in answer.values():
        dtype = tensor["name"][4:]
        if binary:
            count = tensor["parameters"]["binary_data_size"]
            received, tail = array_from_bytes(tail[:count], tensor["datatype"], shape), tail[count:]
        else:
            received = array_from_json(tensor["data"], tensor["datatype"], shape)
        assert received.tolist() == arrays[dtype].tolist()
    assert tail == b""


def test_one_output_is_binary_and_another_json(client):
    asked = [{"name": "score", "parameters": {"binary_data": True}}, {"name": "length"}]
    response = client.post("/v2/models/text/infer", json={"inputs": [TEXT], "outputs": asked})
    size = int(response.headers[SIZE])
    answer = outputs(json.loads(response.content[:size]))
    assert answer["length"]["data"] == [1, 3]
    assert struct.unpack("<4f", response.content[size:]) == (2, 1, 6, 3)
    assert response.headers["content-type"] == "application/octet-stream"


def test_numbers_beyond_float32_and_not_numbers_are_written(client):
    x = {"name": "x", "shape": [2, 3], "datatype": "FP32"}
    body = json.dumps(
        {"inputs": [x | {"data": [1e39, 0, 0, float("nan"), 0, 0]}], "parameters": {"signature": "total"}}
    )
    response = client.post("/v2/models/text/infer", content=body)
    assert '"data": [Infinity, NaN]' in response.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datatype": "INT32", "data": [1, 2]}, "Expected datatype BYTES for input 'text'. Received: INT32."),
        ({"datatype": "BYTE"}, "Did you mean 'BYTES'?"),
        ({"datatype": 5}, "Received: 5."),
        ({"shape": [3]}, "Expected 3 elements for shape [3]. Received: 2."),
        ({"shape": [-1]}, "Expected the shape of input 'text' as a list of at most 32 integers from 0."),
        ({"shape": 2}, "Expected the shape of input 'text'"),
        ({"shape": [1] * 33}, "Expected the shape of input 'text'"),
        ({"shape": [0, *[2**31 - 1] * 3], "data": []}, "Expected a smaller shape of input 'text'."),
        ({"shape": [2, 1], "data": [["a"], "b"]}, "Expected `data` flat, or nested as its shape [2, 1] is."),
        ({"shape": [2, 2], "data": [["a", "b"], ["c"]]}, "Expected `data` flat"),
        ({"shape": [2], "data": [["a"], ["b"]]}, "Expected `data` flat"),
        ({"data": "a"}, "Expected a list in `data`."),
        ({"data": None}, "Expected a list in `data`."),
        ({"data": ["a", 1]}, "Expected strings for datatype BYTES. Received: 1."),
        ({"data": ["a", "\ud800"]}, "Expected text of whole characters."),
        ({"data": ["?"] * 2, "parameters": {"content_type": "base64"}}, "Expected base64."),
        ({"parameters": {"binary_data_size": 4}}, "from 0 to 0, the bytes that follow"),
        ({"parameters": 3}, "Expected an object for parameters. Received: 3."),
        ({"name": "txt"}, "Expected an input of the signature: text. Received: 'txt'. Did you mean 'text'?"),
        ({"name": 3}, "Expected a string for the name of each of inputs."),
        ({"shape": [1, 2]}, ""),
    ],
)
def test_a_wrong_input_is_refused(client, change, message):
    answer = client.post("/v2/models/text/infer", content=json.dumps({"inputs": [TEXT | change]}))
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Expected JSON."),
        (b"{", "Expected JSON."),
        (b"\xff", "Expected JSON."),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "Expected an object for the request."),
        (b"{}", "Expected a list for inputs."),
        (b'{"inputs": []}', "Missing: text."),
        (b'{"inputs": [1]}', "Expected an object for each of inputs."),
        (json.dumps({"inputs": [TEXT, TEXT]}), "Received: 'text' twice."),
        (json.dumps({"inputs": [TEXT], "id": 5}), "Expected a string for id."),
        (json.dumps({"inputs": [TEXT], "outputs": [None]}), "Expected an object for each of outputs."),
        (json.dumps({"inputs": [TEXT], "outputs": [{"name": "x"}]}), "Expected an output of the signature"),
        (json.dumps({"inputs": [TEXT], "parameters": {"signature": "x"}}), 'name: "x" not found'),
        (json.dumps({"inputs": [TEXT], "parameters": {"signature": 1}}), "Expected the name of a signature"),
        (json.dumps({"inputs": [TEXT], "parameters": {"binary_data_output": 1}}), "Expected true or false"),
    ],
)
def test_a_wrong_request_is_refused(client, body, message):
    response = client.post("/v2/models/text/infer", content=body)
    assert response.status_code == 400
    assert message in response.json()["error"]


@pytest.mark.parametrize("size", ["-1", "x", "", "9999999", "1" * 30, "５"])
def test_a_wrong_length_of_the_json_is_refused(client, size):
    body = json.dumps({"inputs": [TEXT]})
    response = client.post("/v2/models/text/infer", content=body, headers={SIZE: size.encode()})
    assert response.status_code == 400
    assert SIZE in response.json()["error"]


def test_bytes_of_tensors_are_counted(client):
    def post(tail, size):
        tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": size}}
        text = json.dumps({"inputs": [tensor]}).encode()
        return client.post("/v2/models/text/infer", content=text + tail, headers={SIZE: str(len(text))})

    assert post(b"\1\0\0\0a", 5).status_code == 200
    for tail, size in (
        (b"\1\0\0\0a", 4),
        (b"\1\0\0\0ab", 5),
        (b"\2\0\0\0a", 5),
        (b"\1\0", 2),
        (b"", 1),
        (b"a" * 8, True),
    ):
        assert post(tail, size).status_code == 400, (tail, size)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/half", 404),
        ("GET", "/v2/models/text/versions/3", 404),
        ("GET", "/v2/models/text/versions/x", 400),
        ("GET", "/v2/models/text/versions/" + "9" * 40, 400),
        ("GET", "/v2/models/half/ready", 404),
        ("POST", "/v2/models/half/infer", 404),
        ("GET", "/v2/models/text/infer", 405),
        ("POST", "/v2/health/live", 405),
        ("DELETE", "/v2/models/text", 405),
        ("FOO", "/v2/models/text/infer", 405),
        ("GET", "/v2/models", 404),
        ("GET", "/v2/models/..%2f..%2fetc/passwd", 404),
        ("GET", "/v2/models/text/config", 404),
    ],
)
def test_other_paths_and_methods_are_refused_in_json(client, method, path, status):
    response = client.request(method, path, content=json.dumps({"inputs": [TEXT]}))
    assert response.status_code == status
    assert set(response.json()) == {"error"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["text", "temperature", "x", "other"]) | JSON,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
        "datatype": st.sampled_from(list(DATATYPES.values())) | JSON,
        "data": st.lists(st.text(max_size=3) | st.floats() | st.integers(), max_size=4) | JSON,
        "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "content_type"]), JSON, max_size=2) | JSON,
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "inputs": st.lists(TENSORS, max_size=3) | JSON,
        "outputs": st.lists(TENSORS, max_size=2) | JSON,
        "parameters": st.dictionaries(st.sampled_from(["signature", "binary_data_output"]), JSON, max_size=2) | JSON,
    },
)


@given(
    body=REQUESTS | st.builds(lambda **fields: {"inputs": [TEXT]} | fields, id=JSON, outputs=JSON) | JSON,
    tail=st.binary(max_size=9),
    size=st.none() | st.integers(-1, 300),
)
@settings(max_examples=200)
def test_any_json_is_answered_in_json(client, body, tail, size):
    text = json.dumps(body).encode()
    headers = {} if size is None else {SIZE: str(size)}
    response = client.post("/v2/models/text/infer", content=text + tail, headers=headers)
    assert response.status_code in (200, 400)
    assert "outputs" in response.json() or set(response.json()) == {"error"}


@given(
    data=st.binary(max_size=40),
    shape=st.lists(st.integers(0, 3), max_size=3),
    datatype=st.sampled_from(list(DATATYPES.values())),
)
def test_any_bytes_are_a_tensor_or_an_error(data, shape, datatype):
    try:
        array = array_from_bytes(data, datatype, shape)
    except ServingError:
        return
    assert array.shape == tuple(shape)
    assert bytes_from_array(array) == data


def test_the_answer_to_head_has_no_error(client):
    assert client.head("/v2/health/ready").status_code == 200
