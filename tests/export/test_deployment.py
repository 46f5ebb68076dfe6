"""Deployment files beside an export: servers' configuration, containers and clients."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import keras
import pytest

import zoo
from zoo.export.deployment.deployment import DEPLOYMENT, check_version, model_name
from zoo.export.deployment.example_requests import example_requests

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow exports: tested on that backend", allow_module_level=True)

yaml = pytest.importorskip("yaml")
import tensorflow as tf  # noqa: E402


def text_of(deployed, name):
    return (deployed / DEPLOYMENT / name).read_text(encoding="utf-8")


def test_versions_and_serving_lie_side_by_side(deployed):
    assert sorted(path.name for path in deployed.iterdir()) == ["1", DEPLOYMENT]


def test_a_name_is_safe_everywhere(deployed):
    assert model_name(deployed / "1") == "model-1-gr-e-ask-me"
    for name in ("", "12", "-a-", "日本", "x" * 200, "A.B_C"):
        assert re.fullmatch("[a-z]([a-z0-9-]{0,50}[a-z0-9])?", model_name(Path("/m") / name / "1"))


def test_no_placeholder_is_left(deployed):
    for path in (deployed / DEPLOYMENT).iterdir():
        assert not re.findall(r"\$[a-z]\w*", path.read_text(encoding="utf-8")), path


def test_configuration_of_the_server(deployed):
    config = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2").ModelServerConfig()
    text_format = pytest.importorskip("google.protobuf.text_format")
    text_format.Parse(text_of(deployed, "models.config"), config)
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("model-1-gr-e-ask-me", "/models/model-1-gr-e-ask-me")
    uncommented = text_of(deployed, "models.config").replace("# model_version_policy", "model_version_policy")
    text_format.Parse(uncommented.replace("# version_labels", "version_labels"), config := type(config)())
    assert list(config.model_config_list.config[0].model_version_policy.specific.versions) == [1, 2]
    assert config.model_config_list.config[0].version_labels["canary"] == 2


@pytest.mark.parametrize(("name", "fields"), [("batching_parameters.txt", 4), ("monitoring.config", 1)])
def test_other_text_protos_are_balanced_messages(deployed, name, fields):
    text = re.sub("#.*", "", text_of(deployed, name))
    assert len(re.findall(r"\w+ \{[^{}]*\}", text)) == fields
    assert not re.sub(r"\w+ \{[^{}]*\}", "", text).strip()


def test_compose_file(deployed):
    services = yaml.safe_load(text_of(deployed, "compose.yaml"))["services"]
    server = services["server"]
    assert re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", server["image"])
    assert server["read_only"] is services["zoo"]["read_only"] is True
    assert server["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    for volume in server["volumes"]:
        assert (deployed / DEPLOYMENT / volume.split(":")[0]).is_dir()
    for argument in server["command"]:
        if "/config/" in argument:
            assert (deployed / DEPLOYMENT / argument.rsplit("/", 1)[1]).is_file()
    assert services["zoo"]["build"]["dockerfile"] == "serving/Dockerfile.zoo"


def test_the_health_check_runs(deployed, tmp_path):
    """In bash, as the image has no curl: it succeeds where the status says AVAILABLE, and fails otherwise."""
    (line,) = (line for line in text_of(deployed, "Dockerfile").splitlines() if line.startswith("HEALTHCHECK"))
    command = json.loads(line.partition(" CMD ")[2])
    compose = yaml.safe_load(text_of(deployed, "compose.yaml"))["services"]["server"]["healthcheck"]["test"]
    assert compose == ["CMD", *command]
    with stub_server({"state": "AVAILABLE"}) as server:
        command[-1] = command[-1].replace("8501", str(server.server_port))
        assert subprocess.run(command, check=False, timeout=20).returncode == 0
        assert server.paths == ["/v1/models/model-1-gr-e-ask-me"]
        server.answer = {"state": "LOADING"}
        assert subprocess.run(command, check=False, timeout=20).returncode != 0


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.zoo"])
def test_dockerfiles(deployed, name):
    lines = [line for line in text_of(deployed, name).replace("\\\n", "").splitlines() if line[:1] not in ("#", "")]
    image = next(line for line in lines if line.startswith("FROM ")).split()[1]
    assert ":" in image
    assert not image.endswith(":latest")
    for line in lines:
        instruction, _, value = line.partition(" ")
        if instruction == "ENTRYPOINT":
            assert json.loads(value)
        if instruction == "COPY":
            sources = value.split()[1:-1]
            assert all((deployed / source).exists() for source in sources)
    assert "![0-9]*" in text_of(deployed, f"{name}.dockerignore").splitlines()


def test_inference_service(deployed):
    service = yaml.safe_load(text_of(deployed, "inference_service.yaml"))
    model = service["spec"]["predictor"]["model"]
    assert service["kind"] == "InferenceService"
    assert model["image"] == yaml.safe_load(text_of(deployed, "compose.yaml"))["services"]["server"]["image"]
    assert model["readinessProbe"]["httpGet"]["path"] == f"/v1/models/{service['metadata']['name']}"
    assert model["resources"]["limits"]["memory"] == "2Gi"


class stub_server:  # noqa: N801 (a context manager)
    """An HTTP server on a free port that answers every request by `answer`; it stores `paths` and `bodies`."""

    def __init__(self, answer, status=200):
        stub = self
        self.answer, self.paths, self.bodies = answer, [], []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                stub.paths.append(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(stub.answer).encode())

            def do_POST(self):
                stub.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.do_GET()

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.server_port = self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


def run_client(deployed, command, port):
    path = deployed / DEPLOYMENT / command[1]
    environment = os.environ | {"URL": f"http://127.0.0.1:{port}", "TARGET": f"127.0.0.1:{port}"}
    command = [command[0], str(path), *command[2:]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_rest_client(deployed):
    with stub_server({"predictions": [{"labels": ["good"]}, {"labels": ["bad"]}]}) as server:
        run = run_client(deployed, [sys.executable, "client_rest.py", 'it\'s "good"', "bad"], server.server_port)
        assert run.stdout.splitlines() == ['{"labels": ["good"]}', '{"labels": ["bad"]}'], run.stderr
        run_client(deployed, [sys.executable, "client_rest.py"], server.server_port)
    assert server.paths[0] == "/v1/models/model-1-gr-e-ask-me:predict"
    assert server.bodies[0]["instances"] == [{"text": 'it\'s "good"'}, {"text": "bad"}]
    (example,) = server.bodies[1]["instances"]
    assert example["text"]
    with stub_server({"error": "no such model"}, status=404) as server:
        run = run_client(deployed, [sys.executable, "client_rest.py"], server.server_port)
    assert run.returncode == 1
    assert run.stderr == '404: {"error": "no such model"}\n'
    assert run_client(deployed, [sys.executable, "client_rest.py"], 9).stderr.startswith("No answer from http://")


def test_curl_client(deployed, model_folder):
    with stub_server({"predictions": []}) as server:
        run = run_client(deployed, ["sh", "client.sh"], server.server_port)
    assert json.loads(run.stdout) == {"predictions": []}, run.stderr
    assert server.bodies == [{"instances": example_requests(zoo.load(model_folder))}]


def test_grpc_client(deployed):
    grpc = pytest.importorskip("grpc")
    apis = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
    from concurrent.futures import ThreadPoolExecutor

    from tensorflow_serving.apis import predict_pb2

    model = tf.saved_model.load(str(deployed / "1")).signatures["serving_default"]

    class Service(apis.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            assert request.model_spec.name == "model-1-gr-e-ask-me"
            inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
            outputs = {name: tf.make_tensor_proto(tensor) for name, tensor in model(**inputs).items()}
            return predict_pb2.PredictResponse(outputs=outputs)

    server = grpc.server(ThreadPoolExecutor(1))
    apis.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        run = run_client(deployed, [sys.executable, "client_grpc.py", "great film", "awful film"], port)
    finally:
        server.stop(None)
    assert "labels: [[b'good', b'bad'], [b'bad', b'good']]" in run.stdout, run.stderr


def test_changed_files_stay(deployed, model_folder, capsys):
    path = deployed / DEPLOYMENT / "compose.yaml"
    path.write_text("changed")
    (deployed / DEPLOYMENT / "client.sh").unlink()
    zoo.load(model_folder).export(deployed / "2", deploy=True)
    assert path.read_text() == "changed"
    assert (deployed / DEPLOYMENT / "client.sh").is_file()
    assert f"Left as they were in {deployed / DEPLOYMENT}: compose.yaml." in capsys.readouterr().err
    path.unlink()


def test_refusals(model_folder, tmp_path):
    pipeline = zoo.load(model_folder)
    with pytest.raises(zoo.UserError, match="Expected a version folder, whose name is a number, .* Received: .*/m."):
        pipeline.export(tmp_path / "m", deploy=True)
    with pytest.raises(zoo.UserError, match="Expected deploy for a SavedModel. Received: deploy=True, format='hug"):
        pipeline.export(tmp_path / "1", "huggingface", deploy=True)
    check_version(tmp_path / "007")
    assert not list(tmp_path.iterdir())
