"""Counters of batch sizes: the rows of each batch that the graph of a SavedModel has run, by signature.

A batch function concatenates concurrent requests inside the graph, out of sight of the server. Its body gets a call
that adds 1 to the counter of its number of rows, the padding to an allowed batch size among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

SIZES = 1025  # counters, for batches of 0 to 1023 rows, and of 1024 and more
BATCH_OPERATION = "BatchFunction"


class BatchCounters:
    """The counters of a SavedModel, in resource variables of its session.

    Args:
        meta_graph: of the SavedModel. Its batch functions are changed, so that they count.
    """

    def __init__(self, meta_graph: Any):
        graph = meta_graph.graph_def
        functions = {function.signature.name: function for function in graph.library.function}
        self._values: dict[str, Any] = {}  # {body: tensor}
        self._counted: dict[str, list[str]] = {}  # {signature: bodies of its batch functions}
        for name, signature in meta_graph.signature_def.items():
            outputs = {output.name.partition(":")[0] for output in signature.outputs.values()}
            reached = _reached_nodes([node for node in graph.node if node.name in outputs], functions)
            if bodies := sorted({node.attr["f"].func.name for node in reached if node.op == BATCH_OPERATION}):
                self._counted[name] = bodies
        for body in self._bodies:
            _count_batches(functions[body], graph.library)

    @property
    def _bodies(self):
        return sorted({body for bodies in self._counted.values() for body in bodies})

    def add_to(self, graph: Any) -> list[Any]:
        """Add the variables of the counters to a graph; the operations that set them to 0."""
        from tensorflow import int64, raw_ops

        zeros = np.zeros(SIZES, np.int64)
        with graph.as_default(), graph.device("CPU"):
            variables = {
                body: raw_ops.VarHandleOp(dtype=int64, shape=[SIZES], shared_name=_variable(body))
                for body in self._bodies
            }
            self._values = {
                body: raw_ops.ReadVariableOp(resource=variable, dtype=int64) for body, variable in variables.items()
            }
            return [raw_ops.AssignVariableOp(resource=variable, value=zeros) for variable in variables.values()]

    def read(self, session: Any) -> dict[str, np.ndarray]:
        """{signature: int64 array of SIZES, the number of batches that had as many rows as the index}."""
        values = session.run(self._values) if self._values else {}
        return {name: np.sum([values[body] for body in bodies], axis=0) for name, bodies in self._counted.items()}


def _variable(body):
    return f"batch_counters/{body}"


def _reached_nodes(nodes, functions: Mapping[str, Any]) -> Iterator[Any]:
    """Yield some nodes of a graph, and those of all functions that they call."""
    waiting, seen = list(nodes), set()
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attr.values():
            for function in (attribute.func, *attribute.list.func):
                if function.name in functions and function.name not in seen:
                    seen.add(function.name)
                    waiting.extend(functions[function.name].node_def)


def _count_batches(body, library):
    """Add a call of a counting function to a function, which is the body of a batch function."""
    batch = body.signature.input_arg[0]
    counting = library.function.add()
    counting.CopyFrom(_counting_function(batch.type))
    counting.signature.name = f"count_batches_{body.signature.name}"
    for node in counting.node_def:
        if node.op == "VarHandleOp":
            node.attr["shared_name"].s = _variable(body.signature.name).encode()
    call = body.node_def.add(name="count_batches", op="StatefulPartitionedCall", input=[batch.name])
    call.attr["f"].func.name = counting.signature.name
    call.attr["Tin"].list.type.append(batch.type)
    call.attr["Tout"].list.SetInParent()
    body.control_ret[call.name] = call.name
    body.signature.control_output.append(call.name)


@cache
def _counting_function(dtype):
    """The FunctionDef that adds 1 to the counter of the first dimension of a tensor."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(None, dtype)], autograph=False)
    def count(batch):
        with tf.device("CPU"):
            variable = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[SIZES])
            rows = tf.minimum(tf.shape(batch)[0], SIZES - 1)
            tf.raw_ops.ResourceScatterAdd(resource=variable, indices=rows, updates=tf.constant(1, tf.int64))

    return count.get_concrete_function().function_def
