"""TLS of the server: HTTP and gRPC with one certificate, and no answer to clients that do not encrypt."""

import datetime
import ipaddress
import ssl

import grpc
import httpx
import pytest
import tensorflow as tf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_serving import error_of, make_service
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from zoo.runtime.errors import UserError
from zoo.serving.http.http_server import HttpServer
from zoo.serving.http.server import running_server
from zoo.serving.http.server_address import ServerAddress, listen
from zoo.serving.service import Service

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """`(certificate, key)`: PEM files of a self-signed certificate for this machine."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return str(folder / "certificate.pem"), str(folder / "key.pem")


def free_port():
    with listen(ServerAddress(host=HOST, port=0), 1) as server:
        return server.getsockname()[1]


def predict(channel):
    request = predict_pb2.PredictRequest(model_spec={"name": "text"})
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(["abc"]))
    return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=10)


def test_http_and_grpc_answer_with_one_certificate(pair, tmp_path):
    certificate, key = pair
    address = ServerAddress(host=HOST, port=0, grpc_port=free_port(), certificate=certificate, key=key)
    with running_server(service=make_service(tmp_path), address=address) as url:
        body = {"instances": ["abc"]}
        trusting = ssl.create_default_context(cafile=certificate)
        answer = httpx.post(f"{url}/v1/models/text:predict", json=body, verify=trusting)
        assert answer.json()["predictions"][0]["length"] == 3
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{url.replace('https', 'http')}/v1/models/text:predict", json=body)
        with open(certificate, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        with grpc.secure_channel(f"{HOST}:{address.grpc_port}", credentials) as channel:
            assert predict(channel).outputs["length"].int_val == [3]
        with grpc.insecure_channel(f"{HOST}:{address.grpc_port}") as channel:
            assert error_of(predict, channel)[0] == "UNAVAILABLE"


def test_a_key_that_cannot_be_read_is_a_user_error(pair, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    certificate, key = pair
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", refuse)
    with pytest.raises(UserError, match=r"Expected the PEM files .*key\.pem \(Permission denied\)"):
        HttpServer(Service({}), ServerAddress(port=0, certificate=certificate, key=key))
