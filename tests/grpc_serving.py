"""A gRPC server in a thread, over tiny SavedModels, for the tests of serving."""

import asyncio
import threading
from contextlib import contextmanager

import grpc
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from zoo.serving.grpc.grpc_server import GrpcServer
from zoo.serving.service import Service
from zoo.serving.versions.loaded_model import LoadedModel

DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
DTYPES += ("float16", "bfloat16", "float32", "float64", "string")


def tensor(dtype, *shape):
    return tf.TensorSpec(shape, dtype)


def text_module(factor):
    """A module whose `score` is `factor` times the length of a text."""
    module = tf.Module()

    @tf.function(input_signature=[tensor(tf.string, None)])
    def default(text):
        length = tf.strings.length(text)
        return {"text": text, "length": length, "score": factor * tf.cast(length, tf.float32)[:, None] * [[1.0, 0.5]]}

    @tf.function(input_signature=[tensor(tf.string, None), tensor(tf.float32)])
    def scaled(text, temperature):
        return {"scaled": temperature * tf.cast(tf.strings.length(text), tf.float32)}

    @tf.function(input_signature=[tensor(tf.float32, None, 3)])
    def total(x):
        return {"total": tf.reduce_sum(x, -1)}

    @tf.function(input_signature=[tensor(tf.int32)])
    def slow(steps):
        return {"steps": tf.while_loop(lambda n: n < steps, lambda n: n + 1, [0], parallel_iterations=1)[0]}

    signatures = {"serving_default": default, "scaled": scaled, "total": total, "slow": slow}
    return module, signatures


def dtype_module():
    """A module that returns its inputs, one of each dtype."""

    @tf.function(input_signature=[tf.TensorSpec(None, dtype, f"in_{dtype}") for dtype in DTYPES])
    def echo(*tensors):
        return {f"out_{dtype}": tf.identity(value) for dtype, value in zip(DTYPES, tensors, strict=True)}

    return tf.Module(), {"serving_default": echo}


def example_module():
    """A module over serialized examples, for Classify and Regress."""

    @tf.function(input_signature=[tensor(tf.string, None)])
    def classify(inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]
        return {"classes": tf.tile([["low", "high"]], [tf.size(x), 1]), "scores": tf.stack([1 - x, x], -1)}

    @tf.function(input_signature=[tensor(tf.string, None)])
    def regress(inputs):
        return {"outputs": tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"] * 2}

    return tf.Module(), {"serving_default": classify, "value": regress}


def save(module, signatures, folder):
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder


def edit(folder, change):
    """Change the SignatureDef protos of a SavedModel."""
    proto = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    change(proto.meta_graphs[0].signature_def)
    (folder / "saved_model.pb").write_bytes(proto.SerializeToString())


def example_methods(signatures):
    signatures["serving_default"].method_name = "tensorflow/serving/classify"
    signatures["value"].method_name = "tensorflow/serving/regress"


def default_temperature(signatures):
    signatures["scaled"].defaults["temperature"].CopyFrom(tf.make_tensor_proto(10.0))


def make_service(root):
    """A service of the models `text` (versions 1 and 2), `dtypes` and `examples`, saved in a folder."""
    folders = {
        ("text", 1): save(*text_module(1.0), root / "text" / "1"),
        ("text", 2): save(*text_module(2.0), root / "text" / "2"),
        ("dtypes", 7): save(*dtype_module(), root / "dtypes" / "7"),
        ("examples", 1): save(*example_module(), root / "examples" / "1"),
    }
    edit(folders["examples", 1], example_methods)
    edit(folders["text", 2], default_temperature)
    models = {}
    for (name, version), folder in folders.items():
        models.setdefault(name, {})[version] = LoadedModel(name, version, folder)
    return Service(models)


@contextmanager
def serve(service, **options):
    """The address of a gRPC server of a service that runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    server = GrpcServer(service, **options)
    try:
        yield f"127.0.0.1:{wait(server.start(port=0))}"
    finally:
        wait(server.stop(0))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def error_of(call, *args, **keywords):
    """`(status code, details)` of a call that fails."""
    try:
        call(*args, **keywords)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    raise AssertionError("the call has not failed")
