"""The OpenAI-compatible API refuses what it cannot do: with OpenAI's error object, and never with status 500."""

import json

import pytest

pytest.importorskip("httpx")

from openai_server import access_to, save_models
from starlette.applications import Starlette
from starlette.testclient import TestClient

from zoo.serving.openai import routes
from zoo.serving.openai.chat_api import CHAT_FIELDS, CHAT_UNSUPPORTED
from zoo.serving.openai.completions_api import COMPLETION_FIELDS, COMPLETION_UNSUPPORTED
from zoo.serving.service import Service
from zoo.serving.versions.registry import Registry

COMPLETION = {"model": "lm", "prompt": "one", "max_tokens": 2}
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "Why?"}], "max_tokens": 2}
REFUSALS = [  # (path, fields of the body, status, param, code)
    ("completions", {"model": "none"}, 404, "model", "model_not_found"),
    ("completions", {"model": None}, 400, "model", "missing_required_parameter"),
    ("completions", {"temperature": 2.5}, 400, "temperature", "invalid_value"),
    ("completions", {"temperature": True}, 400, "temperature", "invalid_value"),
    ("completions", {"top_p": "0.5"}, 400, "top_p", "invalid_value"),
    ("completions", {"max_tokens": 0}, 400, "max_tokens", "invalid_value"),
    ("completions", {"max_tokens": 100_000}, 400, "max_tokens", "context_length_exceeded"),
    ("completions", {"n": 0}, 400, "n", "invalid_value"),
    ("completions", {"n": 128, "prompt": ["a", "b", "c"]}, 400, "n", "invalid_value"),
    ("completions", {"n": 3, "best_of": 2}, 400, "best_of", "invalid_value"),
    ("completions", {"best_of": 2, "stream": True}, 400, "best_of", "invalid_value"),
    ("completions", {"stop": ["a", "b", "c", "d", "e"]}, 400, "stop", "invalid_value"),
    ("completions", {"stop": [""]}, 400, "stop", "invalid_value"),
    ("completions", {"logit_bias": {"x": 1}}, 400, "logit_bias", "invalid_value"),
    ("completions", {"logit_bias": {"99999": 1}}, 400, "logit_bias", "invalid_value"),
    ("completions", {"logit_bias": {"9" * 5000: 1}}, 400, "logit_bias", "invalid_value"),
    ("completions", {"logit_bias": {"\uff11": 1}}, 400, "logit_bias", "invalid_value"),
    ("completions", {"prompt": "x" * 100_001}, 400, "prompt", "string_above_max_length"),
    ("completions", {"prompt": "x" * 9000, "max_tokens": None}, 400, "prompt", "context_length_exceeded"),
    ("completions", {"prompt": "x" * 9000}, 400, "prompt", "context_length_exceeded"),
    ("completions", {"prompt": [99_999]}, 400, "prompt", "invalid_value"),
    ("completions", {"prompt": []}, 400, "prompt", "invalid_value"),
    ("completions", {"prompt": ["a", [3]]}, 400, "prompt", "invalid_value"),
    ("completions", {"suffix": "end"}, 400, "suffix", "unsupported_parameter"),
    ("completions", {"echo": True, "logprobs": 1}, 400, "echo", "unsupported_parameter"),
    ("completions", {"model": "translation", "echo": True}, 400, "echo", "unsupported_parameter"),
    ("completions", {"stream_options": {"include_usage": True}}, 400, "stream_options", "invalid_value"),
    ("completions", {"stream": True, "stream_options": {"x": 1}}, 400, "stream_options.x", "unknown_parameter"),
    ("completions", {"temprature": 1}, 400, "temprature", "unknown_parameter"),
    ("completions", {"response_format": {"type": "grammar"}}, 400, "response_format.type", "unsupported_value"),
    ("completions", {"model": "translation", "prompt": "x" * 60}, 400, "prompt", "context_length_exceeded"),
    ("chat/completions", {"model": "lm"}, 400, "model", "unsupported_model"),
    ("chat/completions", {"messages": None}, 400, "messages", "missing_required_parameter"),
    ("chat/completions", {"messages": []}, 400, "messages", "invalid_value"),
    ("chat/completions", {"messages": [{"role": "user"}]}, 400, "messages[0].content", "missing_required_parameter"),
    ("chat/completions", {"messages": [{"role": "x", "content": "a"}]}, 400, "messages[0].role", "invalid_value"),
    ("chat/completions", {"messages": [{"role": "assistant", "content": "a"}]}, 400, "messages", "invalid_value"),
    (
        "chat/completions",
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        400,
        "messages[0].content[0].type",
        "invalid_value",
    ),
    (
        "chat/completions",
        {"messages": [{"role": "user", "content": "a", "name": "x"}]},
        400,
        "messages[0].name",
        "unsupported_parameter",
    ),
    *[
        (
            "chat/completions",
            {"messages": [{"role": "user", "content": [part]}]},
            400,
            f"messages[0].content[0].{name}",
            "missing_required_parameter",
        )
        for name, part in (("type", {"text": "a"}), ("text", {"type": "text"}))
    ],
    *[
        ("chat/completions", {"messages": [{"role": "user", "content": "x" * length}]}, 400, param, code)
        for length, param, code in (
            (400, "messages", "context_length_exceeded"),
            (100_001, "messages[0].content", "string_above_max_length"),
        )
    ],
    ("chat/completions", {"tools": [{"type": "function"}]}, 400, "tools", "unsupported_parameter"),
    ("chat/completions", {"top_logprobs": 2}, 400, "top_logprobs", "invalid_value"),
    ("chat/completions", {"logprobs": 2}, 400, "logprobs", "invalid_value"),
    ("chat/completions", {"max_completion_tokens": 3}, 400, "max_tokens", "invalid_value"),
    ("chat/completions", {"reasoning_effort": "high"}, 400, "reasoning_effort", "unsupported_parameter"),
    ("chat/completions", {"prompt": "a"}, 400, "prompt", "unknown_parameter"),
    (
        "chat/completions",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strange"}}}},
        400,
        "response_format",
        "invalid_json_schema",
    ),
    ("embeddings", {"model": "lm", "input": "a"}, 400, "model", "unsupported_model"),
]
ACCEPTED = [  # fields that change nothing
    {"user": "me", "metadata": {"a": "b"}, "n": None, "stop": None, "suffix": "", "logit_bias": {}},
    {"store": False, "service_tier": "auto", "best_of": 1, "echo": False, "response_format": {"type": "text"}},
]
JUNK = [None, True, -1, 0, 1.5, 1e308, 2**70, "", "a", "\ud800", [], [[]], [None], {}, {"a": [1]}, ["a", "\ud800"]]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    access = access_to(folder, save_models(folder), max_queue=200)
    with TestClient(Starlette(routes=routes(access.service, access)), raise_server_exceptions=False) as client:
        yield client


def post(client, path, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/v1/{path}", content=content, headers={"content-type": "application/json"})


def assert_error(answer, status):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert "\n" not in error["message"]
    return error


@pytest.mark.parametrize(("path", "fields", "status", "param", "code"), REFUSALS)
def test_refusals(client, path, fields, status, param, code):
    base = {"completions": COMPLETION, "chat/completions": CHAT}.get(path, {})
    error = assert_error(post(client, path, base | fields), status)
    assert (error["param"], error["code"]) == (param, code)


def test_a_misspelt_parameter_is_told_its_name(client):
    error = assert_error(post(client, "completions", COMPLETION | {"temprature": 1}), 400)
    assert "Did you mean 'temperature'?" in error["message"]


@pytest.mark.parametrize("fields", ACCEPTED)
def test_fields_that_change_nothing_are_accepted(client, fields):
    options = {"temperature": 0}
    answer = post(client, "completions", COMPLETION | options | fields)
    assert answer.status_code == 200, answer.text
    plain = post(client, "completions", COMPLETION | options)
    assert answer.json()["choices"] == plain.json()["choices"]


BODIES = [
    b"",
    b"{",
    b"[]",
    b"1",
    b'"a"',
    b"null",
    b"\xff",
    b"[" * 100_000,
    b'{"model": NaN}',
    b'{"model": "lm", "temperature": Infinity}',
    b'{"model": "lm", "prompt": "a", "seed": ' + b"9" * 5000 + b"}",
    b'{"model": "\xed\xa0\x80"}',
]


@pytest.mark.parametrize("path", ["completions", "chat/completions", "embeddings"])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_no_request(client, path, body):
    assert_error(post(client, path, body), 400)


@pytest.mark.parametrize(
    ("path", "base", "names"),
    [
        ("completions", COMPLETION, [*COMPLETION_FIELDS, *COMPLETION_UNSUPPORTED]),
        ("chat/completions", CHAT, [*CHAT_FIELDS, *CHAT_UNSUPPORTED]),
        ("embeddings", {"model": "lm", "input": "a"}, ["model", "input", "encoding_format", "dimensions", "user"]),
    ],
)
def test_no_value_of_any_field_is_an_internal_error(client, path, base, names):
    for name in names:
        for value in JUNK:
            answer = post(client, path, base | {name: value})
            assert answer.status_code in (200, 400, 404), (name, value, answer.text)
            if answer.status_code != 200:
                assert_error(answer, answer.status_code)


@pytest.mark.parametrize("path", ["completions", "chat/completions", "embeddings"])
def test_a_model_that_is_not_loaded_yet_is_status_503(path):
    with TestClient(Starlette(routes=routes(Service(Registry(["lm"]))))) as client:
        answer = post(client, path, {"model": "lm"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["error"]["code"] == "model_not_ready"
        assert client.get("/openai/v1/models/lm").status_code == 503
        assert client.get("/openai/v1/models").json()["data"] == []


def test_a_network_that_cannot_be_loaded_is_refused_and_not_listed(tmp_path):
    save_models(tmp_path)
    (tmp_path / "lm" / "model.keras").unlink()
    access = access_to(tmp_path, ["lm"])
    with TestClient(Starlette(routes=routes(access.service, access))) as client:
        for _ in range(2):
            error = assert_error(post(client, "completions", COMPLETION), 400)
            assert error["message"] == "The network of the model 'lm' cannot be loaded: the server's log says why."
        assert client.get("/openai/v1/models").json()["data"] == []


def test_other_methods_are_refused(client):
    assert client.get("/v1/completions").status_code == 405
    assert client.post("/v1/models", headers={"Authorization": "Bearer key"}).status_code == 405
