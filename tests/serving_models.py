"""Small SavedModels for the tests of serving, and a plain JSON API over a service."""

import os
import shutil
import time

import numpy as np
import tensorflow as tf


def save_versioned(folder, version):
    """A SavedModel that answers a text with the text and the version; `folder/VERSION` appears as a whole."""
    module = tf.Module()
    module.suffix = tf.Variable(f" of version {version}")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def answer(text):
        return {"answer": tf.strings.join([text, module.suffix]), "length": tf.strings.length(text)}

    tf.saved_model.save(module, str(folder / "new"), signatures={"serving_default": answer})
    os.rename(folder / "new", folder / str(version))
    return folder / str(version)


def save_slow(folder, limit=2**31 - 1):
    """A SavedModel that computes for a number of steps, each some microseconds, and at most `limit`."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text"), tf.TensorSpec([], tf.int32, "steps")])
    def count(text, steps):
        (total,) = tf.while_loop(lambda i: i < tf.minimum(steps, limit), lambda i: (i + 1,), (tf.constant(0),))
        return {"answer": text, "total": total}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": count})
    return folder


def copy_version(source, folder, version):
    """A copy of a SavedModel as a version that appears as a whole."""
    shutil.copytree(source, folder / "new")
    os.rename(folder / "new", folder / str(version))


def plain_routes(service):
    """`POST /predict/NAME` with `{"inputs": {...}, "signature": ...}`: the plainest API over a service."""
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def predict(request):
        body = await request.json()
        with service.lease(request.path_params["name"], body.get("version"), body.get("label", "")) as model:
            inputs = {name: np.array(value) for name, value in body["inputs"].items()}
            outputs = await service.run(model, body.get("signature", ""), inputs)
        return JSONResponse({name: _as_json(value) for name, value in outputs.items()})

    async def broken(request):
        raise RuntimeError("a bug")

    return [Route("/predict/{name}", predict, methods=["POST"]), Route("/broken", broken)]


def _as_json(array):
    return np.char.decode(np.asarray(array, bytes)).tolist() if array.dtype == object else array.tolist()


def wait_until(condition, seconds=20):
    """Wait until a condition is true. Raises AssertionError if it stays false."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("The condition stays false.")


def resident_memory(process="self"):
    """Resident memory in MB of this process, or of that of a number."""
    with open(f"/proc/{process}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def save_batched(folder, version):
    """A version that answers as that of `save_versioned` does, with dynamic batching in its graph."""
    module = tf.Module()
    module.suffix = tf.Variable(f" of version {version}")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def answer(text):
        batching = tf.nondifferentiable_batch_function(
            2, 64, 0, allowed_batch_sizes=[1, 2, 4, 8, 16, 32, 64], max_enqueued_batches=64
        )
        return {"answer": batching(lambda texts: tf.strings.join([texts, module.suffix]))(text)}

    tf.saved_model.save(module, str(folder / "new"), signatures={"serving_default": answer})
    os.rename(folder / "new", folder / str(version))
    return folder / str(version)
