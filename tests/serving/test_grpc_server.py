"""The gRPC server: methods beside Predict, health, deadlines, authentication, limits, and bytes that are nonsense."""

import asyncio
import json
import socket
import threading
import time

import grpc
import pytest
import tensorflow as tf
from grpc_serving import error_of, make_service, serve
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from zoo.runtime.errors import UserError
from zoo.serving.grpc.grpc_server import SERVICES, GrpcServer
from zoo.serving.grpc.health_service import messages as health
from zoo.serving.http.server import running_server
from zoo.serving.http.server_address import ServerAddress
from zoo.serving.server_settings import ServerSettings
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.loaded_model import LoadedModel

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
METHODS = {
    "tensorflow.serving.PredictionService": ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"),
    "tensorflow.serving.ModelService": ("GetModelStatus", "HandleReloadConfigRequest"),
    "inference.GRPCInferenceService": ("ModelInfer", "ModelMetadata", "ModelReady", "ServerReady", "RepositoryIndex"),
    "grpc.health.v1.Health": ("Check",),
}


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


@pytest.fixture(scope="module")
def model_stub(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def text_request(*texts):
    request = predict_pb2.PredictRequest(model_spec={"name": "text"})
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(texts or ["abc"]))
    return request


def slow_request(steps=100_000_000):
    request = predict_pb2.PredictRequest(model_spec={"name": "text", "signature_name": "slow"})
    request.inputs["steps"].CopyFrom(tf.make_tensor_proto(steps))
    return request


def examples(*values):
    return [tf.train.Example(features={"feature": {"x": {"float_list": {"value": [value]}}}}) for value in values]


def example_input(*values):
    return input_pb2.Input(example_list={"examples": examples(*values)})


def method(channel, name):
    """A method that takes and returns bytes."""
    return channel.unary_unary(name, request_serializer=None, response_deserializer=None)


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def check(channel, service=""):
    call = method(channel, "/grpc.health.v1.Health/Check")
    response = call(health().HealthCheckRequest(service=service).SerializeToString())
    return health().HealthCheckResponse.FromString(response).status


def test_classify_answers_classes_and_scores(stub):
    request = classification_pb2.ClassificationRequest(model_spec={"name": "examples"}, input=example_input(0.25, 1))
    response = stub.Classify(request)
    answers = [[(c.label, c.score) for c in row.classes] for row in response.result.classifications]
    assert answers == [[("low", 0.75), ("high", 0.25)], [("low", 0), ("high", 1)]]
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("examples", 1, "serving_default")


def test_regress_answers_values_and_merges_the_context(stub):
    batch = {"examples": [tf.train.Example(), tf.train.Example()], "context": examples(3)[0]}
    request = regression_pb2.RegressionRequest(
        model_spec={"name": "examples", "signature_name": "value"},
        input=input_pb2.Input(example_list_with_context=batch),
    )
    assert [value.value for value in stub.Regress(request).result.regressions] == [6, 6]


def test_multi_inference_answers_several_signatures(stub):
    tasks = [
        {"model_spec": {"name": "examples"}, "method_name": CLASSIFY},
        {"model_spec": {"name": "examples", "signature_name": "value"}, "method_name": REGRESS},
    ]
    response = stub.MultiInference(inference_pb2.MultiInferenceRequest(tasks=tasks, input=example_input(0.5)))
    classes, values = response.results
    assert classes.classification_result.classifications[0].classes[1].score == 0.5
    assert values.regression_result.regressions[0].value == 1
    assert values.model_spec.signature_name == "value"
    twice = inference_pb2.MultiInferenceRequest(tasks=tasks[:1] * 2, input=example_input(0.5))
    assert error_of(stub.MultiInference, twice)[1] == "Duplicate evaluation of signature: serving_default"


def test_methods_that_do_not_apply_are_unimplemented(stub, model_stub):
    spec = {"name": "text"}
    tasks = [{"model_spec": spec, "method_name": CLASSIFY}]
    calls = [
        (stub.Classify, classification_pb2.ClassificationRequest(model_spec=spec, input=example_input(1))),
        (stub.Regress, regression_pb2.RegressionRequest(model_spec=spec, input=example_input(1))),
        (stub.MultiInference, inference_pb2.MultiInferenceRequest(tasks=tasks, input=example_input(1))),
        (model_stub.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest()),
    ]
    for call, request in calls:
        code, details = error_of(call, request)
        assert code == "UNIMPLEMENTED"
        assert details.endswith(".")


def test_requests_without_examples_or_of_unknown_signatures_are_refused(stub):
    empty = classification_pb2.ClassificationRequest(model_spec={"name": "examples"})
    assert error_of(stub.Classify, empty) == ("INVALID_ARGUMENT", "Input is empty.")
    unknown = regression_pb2.RegressionRequest(model_spec={"name": "examples", "signature_name": "x"})
    assert error_of(stub.Regress, unknown) == ("INVALID_ARGUMENT", "No signature was found with the name: x")
    bad = classification_pb2.ClassificationRequest(
        model_spec={"name": "examples"}, input={"example_list": {"examples": [tf.train.Example()]}}
    )
    assert error_of(stub.Classify, bad)[0] == "INVALID_ARGUMENT"


def test_metadata_holds_the_signatures(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec={"name": "text"}, metadata_field=["signature_def"]
    )
    response = stub.GetModelMetadata(request)
    assert (response.model_spec.name, response.model_spec.version.value) == ("text", 2)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) >= {"serving_default", "scaled", "total", "slow"}
    assert signatures.signature_def["total"].inputs["x"].dtype == tf.float32.as_datatype_enum
    request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec={"name": "text"})
    message = "GetModelMetadataRequest must specify at least one metadata_field"
    assert error_of(stub.GetModelMetadata, request) == ("INVALID_ARGUMENT", message)
    request.metadata_field.append("x")
    assert error_of(stub.GetModelMetadata, request) == ("INVALID_ARGUMENT", "Metadata field x is not supported")


def test_status_holds_the_state_of_each_version(model_stub):
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "text"})
    statuses = model_stub.GetModelStatus(request).model_version_status
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert {status.version: status.state for status in statuses} == {1: available, 2: available}
    assert all(status.status.error_code == 0 for status in statuses)
    request.model_spec.version.value = 1
    assert [status.version for status in model_stub.GetModelStatus(request).model_version_status] == [1]
    request.model_spec.version.value = 3
    assert error_of(model_stub.GetModelStatus, request) == ("NOT_FOUND", "Could not find version 3 of model text")
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "half"})
    assert error_of(model_stub.GetModelStatus, request) == ("NOT_FOUND", "Could not find any versions of model half")


def test_health_says_serving(channel):
    assert [check(channel, name) for name in ("", *SERVICES)] == [1] * 4
    request = health().HealthCheckRequest(service="other").SerializeToString()
    assert error_of(method(channel, "/grpc.health.v1.Health/Check"), request)[0] == "NOT_FOUND"


def test_a_client_that_watches_is_told_when_the_server_stops(service):
    with serve(service) as address, grpc.insecure_channel(address) as channel:
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch", None, health().HealthCheckResponse.FromString)
        stream = watch(health().HealthCheckRequest().SerializeToString())
        assert next(stream).status == 1
        unknown = watch(health().HealthCheckRequest(service="x").SerializeToString())
        assert next(unknown).status == 3
        unknown.cancel()
        with serve(service) as other, grpc.insecure_channel(other) as other_channel:  # not affected
            assert check(other_channel) == 1
    with pytest.raises((StopIteration, grpc.RpcError)):
        next(stream)


def test_stopping_drains_the_requests_in_progress(service):
    """A request that has begun is answered; one that comes later is refused; watchers are told."""

    async def run():
        server = GrpcServer(service)
        address = f"127.0.0.1:{await server.start(port=0)}"
        async with grpc.aio.insecure_channel(address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            watch = channel.unary_stream("/grpc.health.v1.Health/Watch", None, health().HealthCheckResponse.FromString)
            stream = watch(health().HealthCheckRequest().SerializeToString())
            statuses = [(await stream.read()).status]
            running = asyncio.ensure_future(stub.Predict(slow_request(20_000)))
            await asyncio.sleep(0.1)
            stopping = asyncio.ensure_future(server.stop(20))
            statuses.append((await stream.read()).status)
            assert tf.make_ndarray((await running).outputs["steps"]) == 20_000
            await stopping
            assert statuses == [1, 2]
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stub.Predict(text_request(), timeout=2)
            assert error.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

    asyncio.run(run())


def test_a_deadline_is_honoured(service, channel, stub):
    start = time.monotonic()
    assert error_of(stub.Predict, slow_request(300_000), timeout=0.2)[0] == "DEADLINE_EXCEEDED"
    assert time.monotonic() - start < 2
    assert stub.Predict(text_request(), timeout=20).model_spec.name == "text"  # the server answers others


def test_a_cancelled_request_harms_no_other(stub):
    calls = [stub.Predict.future(slow_request(100_000)) for _ in range(5)]
    time.sleep(0.1)
    for call in calls:
        call.cancel()
    assert all(call.cancelled() for call in calls)
    assert stub.Predict(text_request("abcd"), timeout=20).outputs["length"].int_val == [4]


def test_requests_that_have_not_begun_are_dropped_with_their_callers(service, monkeypatch):
    """The only thread is busy; those that wait for it leave the queue when they are cancelled or late."""
    event, run = threading.Event(), LoadedModel.run
    monkeypatch.setattr(LoadedModel, "run", lambda *args: event.wait(20) and run(*args))
    busy = Service(service.registry, ServerSettings(max_concurrent_requests=1))
    with serve(busy) as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        running = stub.Predict.future(text_request())
        wait_until(lambda: busy.unfinished == 1)
        late = [stub.Predict.future(text_request(), timeout=1) for _ in range(3)]
        cancelled = [stub.Predict.future(text_request()) for _ in range(3)]
        wait_until(lambda: busy.unfinished == 7)
        for call in cancelled:
            call.cancel()
        assert {call.code().name for call in late} == {"DEADLINE_EXCEEDED"}
        wait_until(lambda: busy.unfinished == 1)
        assert not running.done()
        event.set()
        assert running.result().outputs["length"].int_val == [3]


def test_a_token_is_needed_where_the_server_has_one(service):
    with serve(service, token="secret") as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "secret"),)):
            assert error_of(stub.Predict, text_request(), metadata=metadata)[0] == "UNAUTHENTICATED"
        response = stub.Predict(text_request(), metadata=(("authorization", "Bearer secret"),))
        assert response.outputs["length"].int_val == [3]
        assert check(channel) == 1  # probes have no token
        for service_name, names in METHODS.items():
            for name in set(names) - {"Check", "ModelReady", "ServerReady", "HandleReloadConfigRequest"}:
                assert error_of(method(channel, f"/{service_name}/{name}"), b"")[0] == "UNAUTHENTICATED"


def test_a_message_beyond_the_limit_is_refused(service):
    with serve(service, max_bytes=10_000) as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert error_of(stub.Predict, text_request("a" * 20_000))[0] == "RESOURCE_EXHAUSTED"
        assert stub.Predict(text_request("a" * 5_000)).outputs["length"].int_val == [5_000]


def test_a_long_name_in_a_message_is_cut(stub):
    for _ in range(20):  # clients refuse large headers at random
        code, details = error_of(stub.Predict, predict_pb2.PredictRequest(model_spec={"name": "😀" * 10_000}))
        assert code == "NOT_FOUND"
        assert len(details.encode()) <= 1_000


def test_a_failure_of_the_server_is_logged_and_not_told(service, stub, monkeypatch, caplog):
    async def fail(*_):
        raise RuntimeError("secret path")

    monkeypatch.setattr(service, "run", fail)
    code, details = error_of(stub.Predict, text_request())
    assert (code, "secret" in details) == ("INTERNAL", False)
    assert "secret path" in caplog.text


def test_calls_are_counted_and_logged(service, caplog):
    with caplog.at_level("INFO", "zoo.access"), serve(service) as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        _, call = stub.Predict.with_call(text_request("secret"), metadata=(("x-request-id", "abc"),))
        assert dict(call.trailing_metadata())["x-request-id"] == "abc"
        failed = stub.Predict.future(predict_pb2.PredictRequest(model_spec={"name": "half"}))
        assert len(dict(failed.trailing_metadata())["x-request-id"]) == 16
        assert check(channel) == 1
        method(channel, "/inference.GRPCInferenceService/ServerReady")(b"")
    lines = [json.loads(record.message) for record in caplog.records if record.name == "zoo.access"]
    first, second = lines[-2:]  # before them may come the end of a call of the test before
    path = "/tensorflow.serving.PredictionService/Predict"
    expected = {"request_id": "abc", "path": path, "status": "OK", "api": "grpc", "signature": "serving_default"}
    assert expected.items() <= first.items()
    assert (first["rows"], first["bytes"] > 0) == (1, True)
    assert second["status"] == "NOT_FOUND"
    assert "secret" not in caplog.text
    assert 'api="grpc",code="NOT_FOUND"' in service.metrics.text()[0].decode()


def test_a_full_queue_says_when_to_try_again(service, stub, monkeypatch):
    async def refuse(*_):
        raise ServingError(Code.RESOURCE_EXHAUSTED, "The queue is full.", retry_after=2)

    monkeypatch.setattr(service, "run", refuse)
    failed = stub.Predict.future(text_request())
    assert failed.code().name == "RESOURCE_EXHAUSTED"
    assert dict(failed.trailing_metadata())["grpc-retry-pushback-ms"] == "2000"


def test_a_port_in_use_is_a_user_error(service, channel):
    async def start_twice():
        first, second = GrpcServer(service), GrpcServer(service)
        port = await first.start(port=0)
        try:
            with pytest.raises(UserError, match=f"--grpc-port {port}"):
                await second.start(port=port)
        finally:
            await first.stop(0)

    asyncio.run(start_twice())
    with socket.create_server(("127.0.0.1", 0)) as used:
        address = ServerAddress(port=0, grpc_port=used.getsockname()[1])
        with (
            pytest.raises(UserError, match=f"Expected a free port.*--grpc-port {address.grpc_port}"),
            running_server(service=service, address=address),
        ):
            pytest.fail("It started.")


def test_many_clients_get_their_own_answers(channel, stub):
    def call(number):
        texts = [str(number) * size for size in range(1, 4)]
        for _ in range(10):
            answer = tf.make_ndarray(stub.Predict(text_request(*texts)).outputs["text"])
            answers.append(answer.tolist() == [text.encode() for text in texts])

    answers = []
    threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 160


def statuses(channel, data):
    """The status codes of all methods for bytes."""
    for service_name, names in METHODS.items():
        for name in names:
            try:
                method(channel, f"/{service_name}/{name}")(data)
            except grpc.RpcError as error:
                yield name, error.code().name


@given(data=st.binary(max_size=200))
@settings(max_examples=40)
def test_any_bytes_are_a_request_or_an_error_of_the_client(channel, data):
    for name, status in statuses(channel, data):
        assert status in ("INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"), name


TENSORS = st.builds(
    lambda dtype, sizes, values, content, texts: {
        "dtype": dtype,
        "tensor_shape": {"dim": [{"size": size} for size in sizes]},
        "float_val": values,
        "string_val": texts,
        "tensor_content": content,
        "int_val": [int(value) for value in values],
    },
    st.integers(0, 25),
    st.lists(st.integers(-2, 4) | st.sampled_from([1 << 31, 1 << 62]), max_size=5),
    st.lists(st.floats(-9, 9, width=32), max_size=5),
    st.binary(max_size=30),
    st.lists(st.binary(max_size=5), max_size=5),
)


@given(
    tensors=st.dictionaries(st.sampled_from(["text", "temperature", "x", "other"]), TENSORS, max_size=3),
    signature=st.sampled_from(["", "serving_default", "scaled", "total", "other"]),
    outputs=st.lists(st.sampled_from(["text", "score", "other"]), max_size=2),
)
@settings(max_examples=150)
def test_any_tensors_are_a_request_or_an_error_of_the_client(stub, tensors, signature, outputs):
    request = predict_pb2.PredictRequest(
        model_spec={"name": "text", "signature_name": signature}, output_filter=outputs
    )
    for name, tensor in tensors.items():
        request.inputs[name].CopyFrom(TensorProto(**tensor))
    code = stub.Predict.future(request).code().name
    assert code in ("OK", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED")
