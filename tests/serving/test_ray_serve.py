"""`zoo serve --ray`: answers of replicas, new versions, a replica killed under load, a clean end, mistakes."""

import importlib.util
import os
import random
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import grpc
import httpx
import pytest
import tensorflow as tf
from serving_models import copy_version, save_versioned, wait_until
from serving_process import descendants, url_of, zoo_serve
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from zoo.cli.main import main
from zoo.runtime.errors import UserError
from zoo.serving.grpc.grpc_server import GrpcServer
from zoo.serving.ray.ray_environment import set_variables
from zoo.serving.ray.ray_grpc import METHODS, RpcMethods
from zoo.serving.ray.ray_options import RayOptions
from zoo.serving.service import Service

ROOT = Path(__file__).parent.parent.parent
START, END = 240, 90  # seconds, on a busy machine
CALLERS, TEXTS, LOAD_SECONDS = 16, 50, 9
needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: serve-ray")


def zoo_serve_on_ray(*arguments):
    """A process of `zoo serve --ray` and its lines: see `zoo_serve`."""
    return zoo_serve("--ray", "--log", "off", *arguments, warnings="default")


def replicas(process):
    return [number for number, command in descendants(process.pid).items() if command.startswith("ray::ServeReplica")]


def ask(client, url, *texts):
    """The answers of a request, which must succeed."""
    response = client.post(f"{url}/v1/models/m:predict", json={"instances": texts}, timeout=60)
    assert response.status_code == 200, response.text
    return [prediction["answer"] for prediction in response.json()["predictions"]]


class Callers:
    """Threads that ask with texts of their own until they are stopped. `answers` and `failures` are of all."""

    def __init__(self, url):
        self.answers, self.failures, self._stop = 0, [], threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(url, number)) for number in range(CALLERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def _run(self, url, number):
        choice = random.Random(number)
        with httpx.Client() as client:
            while not self._stop.is_set():
                text = f"caller {number} " + "word " * choice.randrange(TEXTS)
                try:
                    (answer,) = ask(client, url, text)
                    if not re.fullmatch(re.escape(text) + r" of version \d", answer):
                        self.failures.append(answer)
                    self.answers += 1
                except Exception as error:
                    self.failures.append(repr(error))


@needs_ray
@pytest.mark.slow
def test_a_cluster_from_start_to_end(tmp_path):
    save_versioned(tmp_path, 1)
    with (
        zoo_serve_on_ray(f"m={tmp_path}", "--port", 0, "--grpc-port", 0, "--replicas", 2, "--cpus", 0.5) as (
            process,
            lines,
        ),
        httpx.Client() as client,
    ):
        url = url_of(process, lines, "Serving ", START)
        assert "Ray listens on all interfaces of this machine, whatever --host is" in lines[0]
        assert url.startswith("http://127.0.0.1:")
        assert ask(client, url, "a", "ü") == ["a of version 1", "ü of version 1"]
        assert client.get(f"{url}/readyz").json()["status"] == "ready"
        assert client.post(f"{url}/v1/models/m:predict", json={}).status_code == 400
        check_grpc(lines)
        before = replicas(process)
        assert len(before) == 2

        with Callers(url) as callers:  # kill -9 of a replica
            time.sleep(LOAD_SECONDS / 3)
            os.kill(before[0], signal.SIGKILL)
            time.sleep(2 * LOAD_SECONDS / 3)
        assert callers.failures == []
        assert callers.answers > CALLERS
        wait_until(lambda: len(replicas(process)) == 2, START)
        assert set(replicas(process)) != set(before)

        copy_version(tmp_path / "1", tmp_path, 2)  # each replica finds it; its texts are those of version 1
        wait_until(lambda: all(versions(client, url) == ["1", "2"] for _ in range(10)), 60)
        assert ask(client, url, "a") == ["a of version 1"]

        processes = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END) == 0
        wait_until(lambda: not any(Path(f"/proc/{number}").exists() for number in processes), END)
    assert "Ending: requests in flight have 30 seconds. Ctrl-C again ends at once.\n" in lines
    assert [line for line in lines if "Traceback" in line or "Error" in line] == []


def check_grpc(lines):
    """The official client of TensorFlow Serving gets answers, and statuses with their sentences."""
    wait_until(lambda: any(line.startswith("gRPC: ") for line in lines))
    (address,) = [line.removeprefix("gRPC: ").strip() for line in lines if line.startswith("gRPC: ")]
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = predict_pb2.PredictRequest(model_spec={"name": "m"}, output_filter=["answer"])
        request.inputs["text"].CopyFrom(tf.make_tensor_proto(["ü"]))
        response = stub.Predict(request, timeout=60)
        assert response.outputs["answer"].string_val == ["ü of version 1".encode()]
        assert response.model_spec.version.value == 1
        request.model_spec.name = "other"
        with pytest.raises(grpc.RpcError) as error:
            stub.Predict(request, timeout=60)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    assert error.value.details() == "Servable not found for request: Latest(other)"


def versions(client, url):
    """The versions that a replica knows."""
    statuses = client.get(f"{url}/v1/models/m", timeout=60).json()["model_version_status"]
    return sorted(status["version"] for status in statuses)


@needs_ray
@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_one_line(tmp_path):
    folder = save_versioned(tmp_path, 1)
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    with zoo_serve_on_ray(f"m={tmp_path}", "--port", 0, "--cpus", 0.5) as (process, lines):
        assert process.wait(START) == 2
    assert re.match("zoo: Expected a version that can be loaded of each model. Received: m: ", lines[-1]), lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--replicas", "0"], "Expected --replicas such as 2, or 1:4 for a range. Received: '0'."),
        (["--replicas", "4:2"], "Expected --replicas such as 2, or 1:4 for a range. Received: '4:2'."),
        (["--cpus", "0"], "Expected --cpus above 0. Received: 0.0."),
    ],
)
def test_mistakes(options, message, tmp_path, monkeypatch, capsys):
    save_versioned(tmp_path, 1)
    assert mistake([tmp_path, "--ray", *options], monkeypatch, capsys) == f"zoo: {message}\n"
    assert "no --ray" in mistake([tmp_path, *options], monkeypatch, capsys)


def test_a_root_path_is_refused(tmp_path, monkeypatch, capsys):
    save_versioned(tmp_path, 1)
    line = mistake([tmp_path, "--ray", "--root-path", "/models"], monkeypatch, capsys)
    assert line == "zoo: Expected no --root-path beside --ray. Received: --root-path /models.\n"


def test_a_port_in_use_and_a_missing_folder(tmp_path, monkeypatch, capsys):
    save_versioned(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "Expected a free port." in mistake([tmp_path, "--ray", "--port", port], monkeypatch, capsys)
    assert "which does not exist" in mistake([tmp_path / "missing", "--ray"], monkeypatch, capsys)


def test_a_missing_package(tmp_path, monkeypatch, capsys):
    save_versioned(tmp_path, 1)
    for module in ("ray", "ray.serve"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("zoo.serving.ray.ray_serve.set_variables", lambda environment, folder: None)
    line = mistake([tmp_path, "--ray", "--port", 0], monkeypatch, capsys)
    assert re.fullmatch(
        r'zoo: zoo serve --ray needs the package ray .*: pip install "keras-text-zoo\[serve-ray\]"\n', line
    )


def mistake(arguments, monkeypatch, capsys):
    """The only line that a command prints, which ends with status 2."""
    monkeypatch.setattr(sys, "argv", ["zoo", "serve", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert (end.value.code, out, err.count("\n")) == (2, "", 1), err
    return err


def test_the_methods_of_grpc_are_those_of_the_server():
    groups = GrpcServer(Service({})).handlers()
    for service, names in METHODS.items():
        (group,) = [group for group in groups if group.service_name() == service]
        paths = [f"/{service}/{name}" for name in names]
        assert [path for path in paths if not group.service(SimpleNamespace(method=path, invocation_metadata=()))] == []
        assert set(names) <= set(dir(RpcMethods))


def test_variables_of_the_user_stay():
    environment = {"RAY_SERVE_ENABLE_HA_PROXY": "0"}
    set_variables(environment, "/folder")
    assert environment["RAY_SERVE_ENABLE_HA_PROXY"] == "0"
    assert environment["RAY_SERVE_THROUGHPUT_OPTIMIZED"] == "1"
    assert environment["RAY_SERVE_HAPROXY_SOCKET_PATH"] == "/folder/admin.sock"


def test_a_range_of_replicas():
    options = RayOptions(replicas="1:4")
    assert (options.least, options.most) == (1, 4)
    with pytest.raises(UserError):
        RayOptions(replicas="two")
