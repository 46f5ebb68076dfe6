"""One version of a served model: a SavedModel in a TensorFlow session, as TensorFlow Serving loads it.

A session has resources of its own (variables, tables, batching queues), and frees them when it is closed. What
`tf.saved_model.load` loads leaves about 0.2 MB behind each time, and takes 2.6 times as long to load.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.runtime.errors import UserError
from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.batch_counters import BATCH_OPERATION, BatchCounters
from zoo.serving.versions.exported_settings import PRESET, read_settings
from zoo.serving.versions.signature_defs import INITIALIZER, Signature, parse_signatures, read_meta_graph

DEFAULT_SIGNATURE = "serving_default"
VARIABLE_OPERATIONS = {"VarHandleOp", "VariableV2"}


class LoadedModel:
    """A version of a model, loaded from a SavedModel folder.

    Attributes:
        name, version: of the model.
        folder: of the SavedModel, which may be removed while the model is served.
        objective: of the preset, as JSON; {} for a SavedModel that zoo did not export.
        created: when the folder was written, in seconds since 1970.
        signatures: {name: `Signature`}.
        signature_protos: {name: the SignatureDef of saved_model.pb}.
        leases: the number of requests that use it; a model is closed when there are none.
    """

    def __init__(self, name: str, version: int, folder: Path):
        meta_graph = read_meta_graph(folder)
        self.name, self.version, self.folder = name, version, folder
        self.objective: dict[str, Any] = read_settings(folder, PRESET).get("objective", {})
        self.created = int(folder.stat().st_mtime)
        self.signatures, self.signature_protos = parse_signatures(meta_graph)
        self.leases = 0
        self._lock = threading.Lock()
        _separate_batching_queues(meta_graph.graph_def)
        self._batch_counters = BatchCounters(meta_graph)
        self._session: Any = _open_session(meta_graph, folder, self._batch_counters)
        self._functions = {key: self._function(spec) for key, spec in self.signatures.items()}

    def _function(self, spec):
        """A function of the inputs of a signature, in the order of `spec.inputs`."""
        outputs = {key: output.name for key, output in spec.outputs.items()}
        return self._session.make_callable(outputs, [value.name for value in spec.inputs.values()])

    def signature(self, name: str = "") -> Signature:
        """The signature of a name; "" is `serving_default`. Raises ServingError for an unknown one."""
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise ServingError(Code.INVALID_ARGUMENT, f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]

    def run(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The outputs of a signature, by name; strings are arrays of bytes. Blocks while TensorFlow computes.

        Args:
            inputs: an array for each input; one that has a default in the SavedModel may be missing.

        Raises ServingError: INVALID_ARGUMENT for inputs that the signature cannot take, RESOURCE_EXHAUSTED where the
        batching queue in the graph is full.
        """
        import tensorflow as tf

        spec = self.signature(signature)
        arrays = self._arrays(spec, inputs)
        try:
            outputs = self._functions[spec.name](*arrays)
            return {key: _string_array(value) if isinstance(value, bytes) else value for key, value in outputs.items()}
        except tf.errors.UnavailableError as error:
            raise ServingError(Code.RESOURCE_EXHAUSTED, "The batching queue is full.", retry_after=1) from error
        except tf.errors.OpError as error:
            raise ServingError(Code.from_number(error.error_code), error.message) from error
        except (TypeError, ValueError) as error:  # a shape that the signature does not take
            raise ServingError(Code.INVALID_ARGUMENT, str(error)) from error

    def _arrays(self, spec, inputs):
        defaults = self.signature_protos[spec.name].defaults
        missing = sorted(name for name in spec.inputs if name not in inputs and name not in defaults)
        unknown = sorted(name for name in inputs if name not in spec.inputs)
        if missing or unknown:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Inputs do not match the signature {spec.name}. Missing: {missing}. Unknown: {unknown}.",
            )
        return [_array(name, spec.inputs[name].dtype, inputs, defaults) for name in spec.inputs]

    def batches_by_rows(self) -> dict[str, np.ndarray]:
        """{signature with dynamic batching: the number of batches that had as many rows as the index}."""
        return self._batch_counters.read(self._session)

    def acquire(self) -> None:
        """Count a request that uses the model."""
        with self._lock:
            self.leases += 1

    def release(self) -> None:
        """End what `acquire` began."""
        with self._lock:
            self.leases -= 1

    def close(self) -> None:
        """Free the memory of the model, which must not be run any more."""
        self._functions = {}
        self._session.close()
        self._session = None


def _array(name, dtype, inputs, defaults):
    """The input as an array of the dtype of its signature."""
    import tensorflow as tf

    if name not in inputs:
        return tf.make_ndarray(defaults[name])
    try:
        return np.asarray(inputs[name], object if dtype == "string" else tf.as_dtype(dtype).as_numpy_dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ServingError(Code.INVALID_ARGUMENT, f"Input {name} cannot be an array of {dtype}: {error}") from error


def _string_array(scalar):
    """A string without dimensions as an array, as which it keeps the zeros at its end."""
    return np.array(scalar, object)


def _open_session(meta_graph, folder, batch_counters):
    """A session with the graph, its variables restored and its tables initialised (loader.cc of TensorFlow)."""
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(meta_graph.graph_def, name="")
    zero_counters = batch_counters.add_to(graph)
    config = tf.compat.v1.ConfigProto()
    config.gpu_options.allow_growth = True
    config.graph_options.rewrite_options.meta_optimizer_iterations = 1  # the second one takes as long and gains nothing
    config.experimental.optimize_for_static_graph = True  # keeps no copy of the graph for later additions
    config.experimental.disable_output_partition_graphs = True
    session = tf.compat.v1.Session(graph=graph, config=config)
    try:
        session.run(zero_counters)
        _initialize(session, meta_graph, folder)
    except BaseException:
        session.close()
        raise
    return session


def _initialize(session, meta_graph, folder):
    saver, variables = meta_graph.saver_def, folder / "variables"
    if saver.restore_op_name and variables.is_dir():
        session.run(saver.restore_op_name, {saver.filename_tensor_name: str(variables / "variables")})
    elif any(node.op in VARIABLE_OPERATIONS for node in meta_graph.graph_def.node):
        raise UserError(f"Expected the variables of the SavedModel in {variables}. Received: no such folder.")
    assets = {file.tensor_info.name: str(folder / "assets" / file.filename) for file in meta_graph.asset_file_def}
    if INITIALIZER in meta_graph.signature_def:
        operations = [output.name for output in meta_graph.signature_def[INITIALIZER].outputs.values()]
    else:  # of TensorFlow 1
        operations = list(meta_graph.collection_def["saved_model_main_op"].node_list.value)
    for operation in operations:
        session.run(operation, assets)


def _separate_batching_queues(graph):
    """Name the queue of each batch function: functions that share a name would answer each other's requests."""
    functions = {function.signature.name: function.node_def for function in graph.library.function}
    for function, nodes in {"": graph.node, **functions}.items():
        for node in nodes:
            if node.op == BATCH_OPERATION:
                node.attr["shared_name"].s = f"{function}/{node.name}".encode()
