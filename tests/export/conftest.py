"""Fixtures of exports: tokenizers, a server of SavedModels, a deployed model, one process for many exports."""

import json
import subprocess
import sys

import keras
import pytest
from hidden_packages import HIDE_ZOO_AND_KERAS
from tokenizer_cases import corpus, lines, make, tokenizer
from warm_export import WarmExport

from zoo.export import saved_model

__all__ = ["corpus", "lines", "make", "tokenizer"]

# Answers each line of standard input, a folder, a signature and columns of inputs, by its outputs and the operations of
# its graph.
SERVER = (
    HIDE_ZOO_AND_KERAS
    + """
import ctypes, json
import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session as session
library = ctypes.CDLL(tf.sysconfig.get_lib() + "/libtensorflow_cc.so.2")
library._ZN10tensorflow21DisableXlaCompilationEv()  # what TensorFlow Serving calls at its start
core = op_def_pb2.OpList.FromString(bytes(session.TF_GetBuffer(session.TF_GetAllOpList()))).op
loaded = None
for line in sys.stdin:
    folder, signature, columns = json.loads(line)
    if folder != loaded:
        loaded, model = folder, tf.saved_model.load(folder)
    function = model.signatures[signature]
    specs = function.structured_input_signature[1]
    try:
        outputs = function(**{name: tf.constant(column, specs[name].dtype) for name, column in columns.items()})
    except tf.errors.OpError as error:
        print(json.dumps([{"error": type(error).__name__, "message": error.message}, []]), flush=True)
        continue
    with open(folder + "/saved_model.pb", "rb") as file:
        graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].graph_def
    ops = {node.op for nodes in [graph.node, *(f.node_def for f in graph.library.function)] for node in nodes}
    assert ops <= {op.name for op in core}, ops  # nothing but TensorFlow was imported: core operations
    assert not {"zoo", "keras"} & set(sys.modules)
    answer = {name: tensor.numpy().tolist() for name, tensor in outputs.items()}
    print(json.dumps([answer, sorted(ops)], default=bytes.decode), flush=True)
"""
)
FORBIDDEN = ("PyFunc", "EagerPyFunc", "StatefulUniform", "Random", "StatelessRandom", "Rng")  # beginnings of names


class Server:
    """A process with nothing but TensorFlow that runs SavedModels as a stock server does."""

    def __init__(self, errors):
        self.errors = errors
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )

    def __call__(self, folder, *, signature="serving_default", **columns):
        """(outputs, operations) of an exported folder for columns of inputs: {name: rows}, and names of its graph.

        An error of the graph is {"error": its class, "message"}.
        """
        print(json.dumps([str(folder), signature, columns]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            pytest.fail(f"The server failed: {self.errors.read()[-3000:]}")
        answer, ops = json.loads(line)
        assert not [op for op in ops if "Xla" in op or op.startswith(FORBIDDEN)]
        return answer, ops


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """The server of a module's tests: `outputs, operations = serve(folder, text=[...])`."""
    with (tmp_path_factory.mktemp("server") / "errors.txt").open("w+") as errors:
        server = Server(errors)
        with server.process:
            yield server
            server.process.stdin.close()


@pytest.fixture(scope="module")
def warm_export(tmp_path_factory):
    """On JAX and PyTorch, the exports of a module's tests are traced by one process."""
    if keras.config.backend() == "tensorflow":
        yield
        return
    with (tmp_path_factory.mktemp("exporter") / "errors.txt").open("w+") as errors:
        exporter = WarmExport(errors)
        with exporter.process, pytest.MonkeyPatch.context() as patch:
            patch.setattr(saved_model, "_trace_in_subprocess", exporter)
            yield
            exporter.process.stdin.close()


@pytest.fixture(scope="session")
def deployed(model_folder, tmp_path_factory):
    """The folder of an exported model with an odd name, which has a version 1 and the folder `serving`."""
    folder = tmp_path_factory.mktemp("models") / "1 Größe: 'Ask' {me}!"
    import zoo

    zoo.load(model_folder).export(folder / "1", deploy=True)
    return folder
