"""Requests to a server: limits, token, errors as JSON, request ids, log, metrics, health; nothing is lost in a swap."""

import contextlib
import gzip
import json
import logging
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest
from serving_models import copy_version, plain_routes, save_batched, save_slow, save_versioned, wait_until

from zoo.serving.http import app
from zoo.serving.http.server import running_server
from zoo.serving.request_record import RequestRecord
from zoo.serving.server_metrics import ServerMetrics
from zoo.serving.server_settings import ServerSettings
from zoo.serving.service import Service
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.model_loading import open_service


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """{name: folder of a SavedModel}."""
    folder = tmp_path_factory.mktemp("models")
    return {"m": save_versioned(folder, 1), "n": save_versioned(folder, 2), "slow": save_slow(folder / "slow")} | {
        "batched": save_batched(folder, 3)
    }


@pytest.fixture(scope="module", autouse=True)
def plain_api():
    """Every server of this file answers the plain API, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "APIS", {"operations": "zoo.serving.http.operations", "plain": "plain_api"})
        real = app.import_module
        patch.setattr(app, "import_module", lambda name: PlainApi if name == "plain_api" else real(name))
        yield


class PlainApi:
    routes = staticmethod(plain_routes)


@contextlib.contextmanager
def client(models, names="m", **settings):
    """A client of a server of loaded models; its service is `client.service`."""
    loaded = {name: {1: LoadedModel(name, 1, models[name])} for name in names.split()}
    service = Service(loaded, ServerSettings(**{"log": "off"} | settings))
    with running_server(service=service) as url, httpx.Client(base_url=url, timeout=30) as session:
        session.service = service
        yield session
    for versions in loaded.values():
        versions[1].close()


def predict(session, name="m", texts=("a",), headers=None, **inputs):
    return session.post(f"/predict/{name}", json={"inputs": {"text": texts, **inputs}}, headers=headers)


def metric(session, line):
    """The value of a line of the metrics; None where it is missing."""
    match = re.search(rf"^{re.escape(line)} (\S+)$", session.get("/metrics").text, re.MULTILINE)
    return float(match[1]) if match else None


def test_an_answer_has_the_request_id_of_its_request(models):
    with client(models) as session:
        answer = predict(session, headers={"X-Request-Id": "order-7"})
        assert answer.json() == {"answer": ["a of version 1"], "length": [1]}
        assert answer.headers["x-request-id"] == "order-7"
        for unusable in ("a b", "x" * 129, 'a"b'):
            made = predict(session, headers={"X-Request-Id": unusable}).headers["x-request-id"]
            assert re.fullmatch("[0-9a-f]{16}", made)


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"json": {"inputs": {"text": ["x"] * 6}}}, 400, "at most 5 rows in a request. Received: 6"),
        ({"json": {"inputs": {"text": ["x" * 21]}}}, 400, "at most 20 characters in text. Received: 21 characters"),
        ({"content": b" " * 1001}, 413, "a body of at most 1000 bytes. Received: 1001 or more"),
        ({"content": iter([b" " * 600] * 2)}, 413, "a body of at most 1000 bytes"),
        ({"content": gzip.compress(b" " * 10**6)}, 413, "a body of at most 1000 bytes"),
        ({"content": gzip.compress(b"{}")[:-1]}, 400, "cut off"),
        ({"content": b"gzip?"}, 400, "not gzip"),
        ({"json": {"inputs": {"other": ["x"]}}}, 400, "Missing: ['text']. Unknown: ['other']"),
        ({"json": {"inputs": {"text": "x"}}}, 400, "Cannot feed value of shape ()"),
        ({"json": {"inputs": {}, "signature": "x"}}, 400, 'name: "x" not found in signature def'),
        ({"json": {"inputs": {}, "version": 7}}, 404, "Servable not found for request: Specific(m, 7)"),
    ],
)
def test_limits_and_mistakes_are_json_that_names_them(models, request_, status, message):
    content = request_.get("content")
    headers = {"Content-Encoding": "gzip"} if isinstance(content, bytes) and content[:1] != b" " else {}
    with client(models, max_rows=5, max_text_characters=20, max_body_bytes=1000) as session:
        answer = session.post("/predict/m", headers=headers, **request_)
        assert answer.status_code == status
        assert message in answer.json()["error"]
        assert predict(session, texts=["é" * 20] * 5).status_code == 200  # characters, not bytes


def test_a_gzip_body_is_read_and_other_encodings_are_refused(models):
    with client(models) as session:
        body = gzip.compress(json.dumps({"inputs": {"text": ["a"]}}).encode())
        answer = session.post("/predict/m", content=body, headers={"Content-Encoding": "gzip"})
        assert answer.json()["answer"] == ["a of version 1"]
        answer = session.post("/predict/m", content=body, headers={"Content-Encoding": "br"})
        assert (answer.status_code, answer.json()["error"]) == (415, "Expected Content-Encoding gzip, or none.")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/predict/m", 405), ("DELETE", "/healthz", 405), ("GET", "/healthz/", 404)],
)
def test_unknown_paths_and_methods_are_errors_in_json(models, method, path, status):
    with client(models) as session:
        answer = session.request(method, path)
        assert answer.status_code == status
        assert answer.json()["error"]


def test_a_bug_is_logged_with_its_request_id_and_shown_to_no_client(models, caplog):
    with client(models) as session:
        answer = session.get("/broken", headers={"X-Request-Id": "r1"})
    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal error. The server's log has it under request id r1."}
    (record,) = [record for record in caplog.records if record.name == "zoo.serve"]
    assert record.getMessage() == "Request r1 failed."
    assert record.exc_info[0] is RuntimeError


def test_a_token_is_asked_for_everywhere_but_at_health(models):
    with client(models, token="secret") as session:
        for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Basic secret"}):
            for path in ("/metrics", "/openapi.json", "/nowhere"):
                answer = session.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["error"].startswith("Expected the header Authorization: Bearer TOKEN")
            assert predict(session, headers=headers).status_code == 401
        assert session.get("/healthz").status_code == session.get("/readyz").status_code == 200
        assert predict(session, headers={"Authorization": "Bearer secret"}).status_code == 200
        assert session.post("/v1/completions").json()["error"]["type"] == "authentication_error"
    with client(models, token="secret", open_metrics=True) as session:
        assert session.get("/metrics").status_code == session.get("/monitoring/prometheus/metrics").status_code == 200
        assert predict(session).status_code == 401
        error = predict(session, headers={"X-Stainless-Lang": "python"}).json()["error"]  # OpenAI's library
        assert error["message"].startswith("Expected the header Authorization")


def test_other_origins_may_call_only_where_it_is_allowed(models):
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    with client(models) as session:
        assert "access-control-allow-origin" not in predict(session, headers=preflight).headers
    with client(models, allow_origins=("https://a.example",), token="t") as session:
        library = {"Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang"}  # OpenAI's
        assert session.options("/predict/m", headers=preflight | library).status_code == 200
        answer = predict(session, headers=preflight)
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == "https://a.example"


def test_a_full_queue_is_429_and_a_long_request_504(models):
    settings = {"max_concurrent_requests": 1, "max_queued_requests": 1, "request_timeout": 0.5}
    with client(models, "slow m", **settings) as session, ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(predict, session, "slow", steps=300_000) for _ in range(2)]
        wait_until(lambda: session.service.unfinished == 2)
        assert metric(session, "zoo_predictions_queued") == 1
        answer = predict(session)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json() == {"error": "The queue is full: 2 requests."}
        for future in slow:
            assert future.result().status_code == 504
            assert future.result().json() == {"error": "No answer in 0.5 seconds."}
        assert session.service.unfinished == 1  # the thread of the first goes on
        wait_until(lambda: session.service.unfinished == 0)
        assert predict(session).status_code == 200


def test_a_body_that_does_not_come_is_408(models):
    with client(models, request_timeout=0.3) as session, socket.create_connection(address(session)) as connection:
        connection.sendall(b"POST /predict/m HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"The body was not complete in 0.3 seconds." in answer


def address(session):
    return session.base_url.host, session.base_url.port


def test_metrics_count_and_a_client_makes_no_new_series(models):
    with client(models) as session:
        predict(session)
        predict(session, texts=["a", "b", "c"])
        session.post("/predict/m", json={"inputs": {}, "signature": "unknown"})
        before = session.get("/metrics").text
        for number in range(20):
            assert predict(session, f"unknown-{number}").status_code == 404
            session.get(f"/unknown-{number}")
        after = session.get("/metrics").text
        request = 'zoo_requests_total{api="plain",code="%s",model="%s",signature="%s",version="%s"}'
        assert metric(session, request % (200, "m", "serving_default", 1)) == 2
        assert metric(session, request % (400, "m", "", 1)) == 1
        assert metric(session, request % (404, "", "", "")) == 20
        assert metric(session, 'zoo_request_rows_sum{model="m",signature="serving_default"}') == 4
        assert metric(session, 'zoo_request_seconds_count{model="m",signature="serving_default"}') == 2
        assert metric(session, "zoo_requests_in_flight") == 1  # this one
        assert len(after.splitlines()) - len(before.splitlines()) <= 6  # of the two 404, and of /metrics itself


def test_metrics_have_the_sizes_of_batches_with_their_padding(models):
    with client(models, "batched m") as session:
        labels = 'model="batched",signature="serving_default",version="1"'
        assert metric(session, f"zoo_batch_rows_count{{{labels}}}") == 0
        predict(session, "batched", texts=["a", "b", "c"])  # padded to 4
        predict(session, "batched", texts=["a"])
        buckets = [metric(session, f'zoo_batch_rows_bucket{{le="{size}",{labels}}}') for size in ("2.0", "4.0", "+Inf")]
        assert buckets == [1, 2, 2]
        assert metric(session, f"zoo_batch_rows_sum{{{labels}}}") == 5
        assert 'zoo_batch_rows_count{model="m"' not in session.get("/metrics").text  # no batches in its graph


def test_a_removed_version_has_no_series_in_the_metrics():
    metrics, model = ServerMetrics(), SimpleNamespace(name="m", version=7)
    request = 'zoo_requests_total{api="rest",code="200",model="m",signature="s",version="%s"}'

    def count(version):
        metrics.begin_request()
        metrics.end_request(RequestRecord("id", "rest", "m", 7, "s"), "200", 0.1)
        return f"{request % version} 1.0\n" in metrics.text()[0].decode()

    metrics.add_version(model, 1.0)
    assert count("7")
    metrics.remove_version(model)
    assert count("")  # a request that ends after its version
    assert 'version="7"' not in metrics.text()[0].decode()
    metrics.add_version(model, 1.0)
    assert count("7")


def test_the_log_has_one_json_line_a_request_without_its_text(models, caplog):
    caplog.set_level(logging.INFO, "zoo.access")
    with client(models, log="json") as session:
        predict(session, texts=["a secret"], headers={"X-Request-Id": "r"})
        session.get("/a%0Ab")
        for probe in ("/healthz", "/v2/health/live", "/v2/health/ready"):
            session.get(probe)
    first, second = [record.getMessage() for record in caplog.records if record.name == "zoo.access"]
    line = json.loads(first)
    assert line.pop("ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert line == {
        **{"request_id": "r", "client": "127.0.0.1", "method": "POST", "path": "/predict/m", "status": 200},
        **{"api": "plain", "model": "m", "version": 1, "signature": "serving_default", "rows": 1},
        **{"bytes": len('{"answer":["a secret of version 1"],"length":[8]}'), "request_bytes": 32},
    }
    assert json.loads(second)["path"] == "/a\nb"
    assert "\n" not in first + second


def test_ready_only_when_every_model_is_loaded(models, tmp_path):
    copy_version(models["m"], tmp_path, 1)
    service = open_service([f"m={tmp_path}"], ServerSettings(log="off"))
    loaded = service.registry.models
    assert not service.ready
    assert loaded == {"m": {}}
    with running_server(service=service) as url:
        answer = httpx.get(f"{url}/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready", "models": {"m": {"1": "AVAILABLE"}}})
        service.drain()
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.get(f"{url}/healthz").json() == {"status": "live"}


def test_requests_in_flight_end_before_a_server_does(models):
    loaded = {"slow": {1: LoadedModel("slow", 1, models["slow"])}}
    service = Service(loaded, ServerSettings(log="off"))
    with ThreadPoolExecutor(1) as threads, httpx.Client(timeout=30) as session:
        with running_server(service=service) as url:
            session.base_url = url
            answer = threads.submit(predict, session, "slow", steps=100_000)
            wait_until(lambda: service.unfinished == 1)
            assert not answer.done()
        assert answer.result().json() == {"answer": ["a"], "total": 100_000}
        with pytest.raises(httpx.ConnectError):
            session.get("/healthz")


def test_a_request_beyond_the_drain_is_503_in_json(models, caplog):
    loaded = {"slow": {1: LoadedModel("slow", 1, models["slow"])}}
    service = Service(loaded, ServerSettings(log="off", drain_seconds=1))
    with ThreadPoolExecutor(1) as threads, httpx.Client(timeout=30) as session:
        with running_server(service=service) as url:
            session.base_url = url
            answer = threads.submit(predict, session, "slow", steps=3_000_000)
            wait_until(lambda: service.unfinished == 1)
        assert answer.result().status_code == 503
        assert answer.result().json() == {"error": "The server is shutting down."}
    assert "Traceback" not in caplog.text
