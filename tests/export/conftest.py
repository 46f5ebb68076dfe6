"""The tokenizers that the tests of this folder share, a server of SavedModels, and a deployed model."""

import json
import subprocess
import sys

import pytest
from tokenizer_cases import corpus, lines, make, tokenizer

__all__ = ["corpus", "lines", "make", "tokenizer"]

# Answers each line of standard input, a folder and columns of texts, by its outputs and the operations of its graph.
SERVER = """
import ctypes, json, sys
import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session as session
library = ctypes.CDLL(tf.sysconfig.get_lib() + "/libtensorflow_cc.so.2")
library._ZN10tensorflow21DisableXlaCompilationEv()  # what TensorFlow Serving calls at its start
core = op_def_pb2.OpList.FromString(bytes(session.TF_GetBuffer(session.TF_GetAllOpList()))).op
loaded = None
for line in sys.stdin:
    folder, texts = json.loads(line)
    if folder != loaded:
        loaded, model = folder, tf.saved_model.load(folder)
    outputs = model.signatures["serving_default"](**{name: tf.constant(column) for name, column in texts.items()})
    with open(folder + "/saved_model.pb", "rb") as file:
        graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].graph_def
    ops = {node.op for nodes in [graph.node, *(f.node_def for f in graph.library.function)] for node in nodes}
    assert ops <= {op.name for op in core}, ops  # nothing but TensorFlow was imported: core operations
    assert "zoo" not in sys.modules
    answer = {name: tensor.numpy().tolist() for name, tensor in outputs.items()}
    print(json.dumps([answer, sorted(ops)], default=bytes.decode), flush=True)
"""


class Server:
    """A process with nothing but TensorFlow that runs SavedModels as a stock server does."""

    def __init__(self, errors):
        self.errors = errors
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )

    def __call__(self, folder, **texts):
        """(outputs, operations) of an exported folder for columns of texts: {name: rows}, and names of its graph."""
        print(json.dumps([str(folder), texts]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            pytest.fail(f"The server failed: {self.errors.read()[-3000:]}")
        return json.loads(line)


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """The server of a module's tests: `outputs, operations = serve(folder, text=[...])`."""
    with (tmp_path_factory.mktemp("server") / "errors.txt").open("w+") as errors:
        server = Server(errors)
        with server.process:
            yield server
            server.process.stdin.close()


@pytest.fixture(scope="session")
def deployed(model_folder, tmp_path_factory):
    """The folder of an exported model with an odd name, which has a version 1 and the folder `serving`."""
    folder = tmp_path_factory.mktemp("models") / "1 Größe: 'Ask' {me}!"
    import zoo

    zoo.load(model_folder).export(folder / "1", deploy=True)
    return folder
