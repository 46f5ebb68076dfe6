"""Malformed requests: every answer is JSON with a status of 4xx, never a 500, and the memory stays flat."""

import json
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_models import resident_memory, save_slow, save_versioned
from serving_process import url_of, zoo_serve

KEYS = (
    *("instances", "inputs", "signature_name", "text"),
    *("steps", "b64", "examples", "context"),
    *("id", "name", "shape", "datatype"),
    *("data", "parameters", "outputs", "model"),
    *("prompt", "messages", "role", "content"),
    *("stream", "input", "stop", "max_tokens"),
)
PATHS = (
    *("/v1/models/m:predict", "/v1/models/slow:predict", "/v1/models/m/versions/1:predict", "/v1/models/m:classify"),
    *("/v1/models/m:regress", "/v1/models/m/labels/x:predict", "/v1/models/m", "/v1/models/m/metadata"),
    *("/v1/models", "/v2/models/m/infer", "/v2/models/slow/versions/1/infer", "/v2/models/m"),
    *("/v2", "/v2/models/m/ready", "/v2/repository/index", "/page/models", "/page/explore"),
    *("/openapi.json", "/metrics", "/healthz", "/v1/completions"),
    *("/v1/chat/completions", "/v1/embeddings"),
)
STATUSES = {200, 400, 401, 404, 405, 408, 409, 411, 413, 415, 422, 429, 501}

numbers = st.one_of(st.integers(-3, 3), st.integers(), st.floats())
leaves = st.one_of(
    st.none(), st.booleans(), numbers, st.text(max_size=20), st.sampled_from(["m", "FP32", "BYTES", "a"])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)
tensors = st.fixed_dictionaries(
    {"name": st.sampled_from(["text", "steps", "x"]), "shape": values, "datatype": leaves, "data": values}
)
bodies = st.one_of(
    st.binary(max_size=200),
    documents.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"instances": values}).map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"inputs": st.lists(tensors, max_size=3)}).map(json.dumps).map(str.encode),
    st.tuples(documents.map(json.dumps), st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]].encode()),
    st.integers(1, 20_000).map(lambda depth: b'{"instances":' + b"[" * depth),
    st.sampled_from(["NaN", "1e999", "-0", "9" * 400, '"\\ud800"', "\ufeff{}", '{"a":1,"a":2}', "nul"]).map(str.encode),
)
paths = st.one_of(
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
    st.text(max_size=20).map(lambda text: "/" + quote(text)),
    st.tuples(st.sampled_from(PATHS), st.text(max_size=8)).map(lambda pair: pair[0] + quote(pair[1], safe="/:%?&")),
    st.sampled_from(["/../../etc/passwd", "/v1/models/..%2f..%2fetc:predict", "//", "/v1/models/%00:predict", "/%ff"]),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "text/plain", "application/octet-stream", "x"]),
        "Content-Encoding": st.sampled_from(["gzip", "br", "identity", "x"]),
        "Inference-Header-Content-Length": st.sampled_from(["0", "5", "-1", "x", "99999999999999999999"]),
        "X-Request-Id": st.text("abc/\"'\\", max_size=10),
        "Accept": st.sampled_from(["*/*", "application/openmetrics-text", "text/html"]),
        "Authorization": st.text("abc", max_size=10),
    },
)
methods = st.sampled_from(["POST"] * 5 + ["GET"] * 2 + ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "ODD"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of a server of two models, one with a number beside its texts, and its process."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("m", "slow"):
        (folder / name).mkdir()
    save_versioned(folder / "m", 1)
    save_slow(folder / "slow" / "1", limit=10)
    limits = ("--log", "off", "--max-body-bytes", 30_000, "--request-timeout", 10)
    with zoo_serve(folder, "--port", 0, *limits) as (process, lines):
        yield url_of(process, lines), process.pid


def check(connection, method, path, body, fields):
    connection.request(method, path, body, fields)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status in STATUSES, (answer.status, content)
    if answer.status >= 400:
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-request-id"] or content == b'{"error": "Invalid HTTP request received."}'
        if method != "HEAD":
            assert json.loads(content)["error"]


def run(server, count):
    """Check a number of random requests; the growth of the server's memory in MB over the second half."""
    sizes, (url, process) = [], server
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname, address.port, timeout=60)

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(method=methods, path=paths, body=bodies, fields=headers)
    def requests(method, path, body, fields):
        check(connection, method, path, body, fields)
        sizes.append(resident_memory(process))

    with closing(connection):
        requests()
    return sizes[-1] - sizes[len(sizes) // 2]


def test_malformed_requests_are_answered_as_json(server):
    assert run(server, 1000) < 4  # MB


@pytest.mark.slow
def test_ten_thousand_malformed_requests(server):
    assert run(server, 10_000) < 4  # MB


@pytest.mark.slow
def test_the_openapi_description_is_true(server):
    check_description(server[0], "--max-examples", "200")


@pytest.mark.slow
def test_the_openapi_description_of_a_model_that_generates_is_true(tmp_path):
    from openai_server import save_models

    save_models(tmp_path)["lm"].export(tmp_path / "lm" / "1")
    with zoo_serve(tmp_path / "lm", "--port", 0, "--log", "off", warnings="default") as (process, lines):
        url = url_of(process, lines)
        check_description(url, "--max-examples", "50", "--include-path-regex", "completions|openai")


def check_description(url, *options):
    """Schemathesis makes valid and invalid requests of the description and compares the answers with it."""
    pytest.importorskip("schemathesis")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    command += [f"{url}/openapi.json", "--checks", checks, *options]
    result = subprocess.run([*command, "--mode", "all"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
