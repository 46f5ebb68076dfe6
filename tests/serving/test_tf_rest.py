"""TensorFlow Serving's REST API over a small SavedModel: paths, statuses, sentences, status, metadata and encodings."""

import asyncio
import gzip
import json

import numpy as np
import pytest
import tensorflow as tf
from starlette.testclient import TestClient

from zoo.serving.http.app import create_app
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.tensorflow_serving import tf_rest
from zoo.serving.tensorflow_serving.tf_json.document import parse_object
from zoo.serving.versions.loaded_model import LoadedModel

TEXTS = tf.TensorSpec([None], tf.string, "text")
EXAMPLES = tf.TensorSpec([None], tf.string, "inputs")
EXAMPLE = b'{"signature_name": "%s", "examples": [{"a": 1}, {"a": "b"}]}'


class Small(tf.Module):
    """Signatures that return their inputs, and signatures of tf.Examples."""

    @tf.function(input_signature=[TEXTS])
    def echo(self, text):
        return {"text": text}

    @tf.function(input_signature=[TEXTS, tf.TensorSpec([None], tf.float32, "temperature")])
    def pair(self, text, temperature):
        return {"text": text, "temperature": temperature}

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, "x")])
    def half(self, x):
        return {"y": tf.cast(x, tf.float16)}

    @tf.function(input_signature=[TEXTS])
    def fails(self, text):
        with tf.control_dependencies([tf.debugging.Assert(tf.size(text) > 5, ["too few"])]):
            return {"text": tf.identity(text)}

    @tf.function(input_signature=[EXAMPLES])
    def classify(self, inputs):
        size = tf.shape(inputs)[0]
        return {"classes": tf.tile([["a", "b"]], [size, 1]), "scores": tf.tile([[0.25, 0.75]], [size, 1])}

    @tf.function(input_signature=[EXAMPLES])
    def scores(self, inputs):
        return {"scores": tf.cast(tf.strings.length(inputs), tf.float32)[:, None] * 0.0}

    @tf.function(input_signature=[EXAMPLES])
    def classes(self, inputs):
        return {"classes": tf.fill([tf.shape(inputs)[0], 1], "only")}

    @tf.function(input_signature=[EXAMPLES])
    def wrong_scores(self, inputs):
        return {"classes": tf.fill([tf.shape(inputs)[0], 1], "a"), "scores": tf.ones([tf.shape(inputs)[0], 2])}

    @tf.function(input_signature=[EXAMPLES])
    def integers(self, inputs):
        return {"scores": tf.ones([tf.shape(inputs)[0], 1], tf.int64)}

    @tf.function(input_signature=[EXAMPLES])
    def regress(self, inputs):
        parsed = tf.io.parse_example(inputs, {"a": tf.io.FixedLenFeature([], tf.int64, 7)})
        return {"outputs": tf.cast(parsed["a"], tf.float32)[:, None] / 2.0}

    @tf.function(input_signature=[EXAMPLES])
    def one_value(self, inputs):
        return {"outputs": tf.reduce_sum(tf.cast(tf.strings.length(inputs), tf.float32))[None]}


NAMES = ("pair", "half", "fails", "classify", "scores", "classes", "wrong_scores", "integers", "regress", "one_value")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of a server of the model "small" in the versions 1 and 12, and of one named "né w"."""
    folder = tmp_path_factory.mktemp("small") / "1"
    module = Small()
    signatures = {name: getattr(module, name) for name in NAMES}
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.echo, **signatures})
    models = {version: LoadedModel("small", version, folder) for version in (1, 12)}
    service = Service({"small": models, "né w": {3: LoadedModel("né w", 3, folder)}})
    return TestClient(create_app(service, {"rest": tf_rest.routes}))


def error(response):
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()["error"]


def test_predict(client):
    response = client.post("/v1/models/small:predict", content=b'{"instances": ["a", "b"]}')
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.content == b'{\n    "predictions": ["a", "b"\n    ]\n}'
    for path in (
        "/v1/models/small/versions/1",
        "/V1/Models/small/Versions/012",
        "/v1/models/n%C3%A9%20w",
        "/v1/models/n%c3%a9 w",
    ):
        response = client.post(f"{path}:predict", content=b'{"inputs": ["a"]}')
        assert (response.status_code, response.json()) == (200, {"outputs": ["a"]}), path
    body = b'{"signature_name": "pair", "instances": [{"text": "a", "temperature": 0.7}]} and more'
    assert client.post("/v1/models/small:predict", content=body).json() == {
        "predictions": [{"temperature": 0.7, "text": "a"}]
    }


def test_predict_refuses_with_the_status_of_the_error(client):
    def predict(body, path="/v1/models/small"):
        return error(client.post(f"{path}:predict", content=body))

    inputs = b'{"inputs": ["a"]}'
    assert predict(b"") == (400, "JSON Parse error: The document is empty")
    assert predict(inputs, "/v1/models/other") == (404, "Servable not found for request: Latest(other)")
    assert predict(inputs, "/v1/models/small/versions/3") == (404, "Servable not found for request: Specific(small, 3)")
    assert predict(inputs, "/v1/models/small/labels/x%20y") == (400, "Unrecognized servable version label: x y")
    assert predict(b"[", "/v1/models/other") == (400, "JSON Parse error: Invalid value. at offset: 1")
    assert predict(b'{"signature_name": "x"}') == (400, 'Serving signature name: "x" not found in signature def')
    assert predict(b"{}") == (400, "Missing 'inputs' or 'instances' key")
    half = b'{"signature_name": "half", "inputs": 1}'
    assert predict(half) == (400, "Failed to write JSON value for tensor type: half")
    status, message = predict(b'{"signature_name": "fails", "inputs": ["a"]}')
    assert (status, "too few" in message) == (400, True)


def test_paths_are_matched_as_a_whole(client):
    for method, path in (
        ("POST", "/v1/models/small"),
        ("POST", "/v1/models/small:predict/"),
        ("POST", "/v1/models/small:predict?verbose=1"),
        ("POST", "/v1/models/small:Predict"),
        ("POST", "/v1/models/small:explain"),
        ("POST", "/v1/models/small/versions/x:predict"),
        ("POST", "/v1/models/small/versions/1/labels/x:predict"),
        ("POST", "/v1/models/a/b:predict"),
        ("POST", "/v1/models/:predict"),
        ("GET", "/v1/models/"),
        ("GET", "/v1/models/small:predict"),
        ("GET", "/v1/models/small/versions/-1"),
        ("GET", "/v1/models/small/metadata/x"),
        ("GET", "/v2/other"),
        ("GET", "/"),
        ("PUT", "/v1/models/small"),
        ("DELETE", "/v1/models/small"),
        ("PATCH", "/v1/models/small"),
        ("OPTIONS", "/v1/models/small:predict"),
    ):
        assert error(client.request(method, path)) == (400, f"Malformed request: {method} {path}")
    assert client.head("/v1/models/small").status_code == 400
    for path in ("/v1/models", "/V1/MODELS/versions/1", "/v1/models/labels/x/metadata"):
        assert error(client.get(path)) == (400, "Missing model name in request."), path


def test_the_path_of_a_proxy_is_left_out(client):
    behind_proxy = TestClient(client.app, root_path="/models")
    answer = behind_proxy.post("/models/v1/models/small:predict", content=b'{"inputs": ["a"]}')
    assert answer.json() == {"outputs": ["a"]}
    assert error(behind_proxy.get("/models/other")) == (400, "Malformed request: GET /other")


def test_status(client):
    def state(version):
        return {"version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}

    response = client.get("/v1/models/small")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"model_version_status": [state("12"), state("1")]}
    for path in ("/v1/models/small/versions/1", "/v1/models/small/versions/1/METADATA"):
        assert client.get(path).json() == {"model_version_status": [state("1")]}
    assert error(client.get("/v1/models/half")) == (404, "Could not find any versions of model half")
    assert error(client.get("/v1/models/small?x=1")) == (404, "Could not find any versions of model small?x=1")
    assert error(client.get("/v1/models/small/versions/3")) == (404, "Could not find version 3 of model small")
    for version in ("9223372036854775808", "1" * 5000):
        message = f"Failed to convert version: {version} to numeric."
        assert error(client.get(f"/v1/models/small/versions/{version}")) == (400, message)


def test_metadata(client):
    response = client.get("/v1/models/small/metadata")
    assert response.text.startswith(
        '{\n"model_spec":{\n "name": "small",\n "signature_name": "",\n "version": "12"\n}\n,\n'
    )
    metadata = response.json()["metadata"]["signature_def"]["signature_def"]
    assert metadata.keys() >= {"serving_default", *NAMES}
    signature = metadata["pair"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    temperature = signature["inputs"]["temperature"]
    assert temperature["dtype"] == "DT_FLOAT"
    assert temperature["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert metadata["half"]["inputs"]["x"]["tensor_shape"] == {"dim": [], "unknown_rank": True}
    assert client.get("/v1/models/small/versions/1/metadata").json()["model_spec"]["version"] == "1"
    assert error(client.get("/v1/models/half/metadata")) == (404, "Servable not found for request: Latest(half)")
    message = "Unrecognized servable version label: x"
    assert error(client.get("/v1/models/small/labels/x/metadata")) == (400, message)


def test_classify_and_regress(client):
    def ask(method, signature):
        return client.post(f"/v1/models/small:{method}", content=EXAMPLE % signature)

    both = b'{\n    "results": [[["a", 0.25], ["b", 0.75]], [["a", 0.25], ["b", 0.75]]\n    ]\n}'
    assert ask("classify", b"classify").content == both
    assert ask("classify", b"scores").json() == {"results": [[["", 0.0]], [["", 0.0]]]}
    assert ask("classify", b"classes").json() == {"results": [[["only", 0.0]], [["only", 0.0]]]}
    body = b'{"signature_name": "regress", "context": {"b": 1}, "examples": [{"a": 1}, {}]}'
    assert client.post("/v1/models/small:regress", content=body).content == b'{\n    "results": [0.5, 3.5]\n}'


def test_classify_and_regress_refuse_other_signatures(client):
    def ask(method, signature):
        status, message = error(client.post(f"/v1/models/small:{method}", content=EXAMPLE % signature))
        assert status == 400
        return message.split("{", maxsplit=1)[0]

    for method in ("classify", "regress"):
        assert ask(method, b"other") == "No signature was found with the name: other"
        assert ask(method, b"pair") == "Expected one input Tensor."
    assert ask("classify", b"").startswith("No classification inputs found in SignatureDef: inputs ")
    assert ask("regress", b"").startswith("No regression inputs found in SignatureDef: inputs ")
    assert ask("classify", b"regress").startswith(
        'Expected classification signature outputs to contain at least one of "classes" or "scores". '
    )
    assert ask("regress", b"scores").startswith("No regression outputs found in SignatureDef: inputs ")
    assert ask("regress", b"classify") == "Expected one output Tensor."
    assert ask("classify", b"wrong_scores") == "Tensors class and score should match in dim_size(1). Got 1 vs. 2"
    assert ask("classify", b"integers") == "Expected scores Tensor of DT_FLOAT. Got: DT_INT64"
    assert ask("regress", b"one_value") == "Input batch size did not match output batch size: 2 vs. 1"


def test_a_body_may_be_compressed(client):
    content, headers = gzip.compress(b'{"inputs": ["a"]}'), {"Content-Encoding": "gzip"}
    assert client.post("/v1/models/small:predict", content=content, headers=headers).json() == {"outputs": ["a"]}
    assert error(client.post("/v1/models/small:predict", content=content[:-9], headers=headers))[0] == 400


def test_a_long_body_is_parsed_beside_the_event_loop(client, monkeypatch):
    texts = ["x" * 1000] * 100
    response = client.post("/v1/models/small:predict", json={"instances": texts})
    assert response.json() == {"predictions": texts}
    message = "JSON Parse error: Missing a comma or ']' after an array element. at offset: 100014"
    in_event_loop = []

    def parse(body):
        in_event_loop.append(asyncio._get_running_loop() is not None)
        return parse_object(body)

    monkeypatch.setattr(tf_rest, "parse_object", parse)
    for action in ("predict", "classify", "regress"):
        response = client.post(f"/v1/models/small:{action}", content=b'{"inputs": ["%s"}' % (b"x" * 10**5))
        assert error(response) == (400, message)
        client.post(f"/v1/models/small:{action}", content=b"{}")
    assert in_event_loop == [False, True] * 3


def test_a_full_queue_says_when_to_come_back(client, monkeypatch):
    async def full(*_):
        raise ServingError(Code.RESOURCE_EXHAUSTED, "The batching queue is full.", retry_after=1)

    monkeypatch.setattr(Service, "run", full)
    response = client.post("/v1/models/small:predict", content=b'{"inputs": ["a"]}')
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert json.loads(response.content) == {"error": "The batching queue is full."}


def test_answers_are_those_of_the_model(client):
    values = np.random.default_rng(0).normal(size=4).astype(np.float32)
    body = {"signature_name": "pair", "inputs": {"text": ["é"] * 4, "temperature": values.tolist()}}
    outputs = client.post("/v1/models/small:predict", json=body).json()["outputs"]
    assert outputs["text"] == ["é"] * 4
    assert np.array_equal(np.array(outputs["temperature"], np.float32), values)
