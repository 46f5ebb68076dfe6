"""The network of a model as a TensorFlow function that converters read: int32 ids to float32 outputs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from zoo.export.graph_weights import store_weights
from zoo.export.signatures import network_function


@dataclass(frozen=True)
class GraphNetwork:
    """A network whose weights are stored in a precision.

    Args:
        model: the Keras model, on TensorFlow.
        precision: one of `zoo.export.export_options.PRECISIONS`.
        length: of an input, where a format cannot have a free one.
    """

    model: keras.Model
    precision: str
    length: int

    def trace(self, fixed: bool = False) -> Any:
        """A `tf.Module` with the `tf.function` `network`: `logits`, or outputs by name, of ids by the input's name.

        Args:
            fixed: one row of `length` ids; False: any number of rows of any length.
        """
        import tensorflow as tf

        module = tf.Module()
        weights = store_weights(module, self.model, self.precision)
        shape: list[int | None] = [1, self.length] if fixed else [None, None]
        module.network = network_function(self.model, weights, shape)
        return module

    def layers_with(self, operations: Collection[str]) -> list[str]:
        """Names of the layers that use TensorFlow operations of these types, such as "UniqueWithCounts"."""
        graphs: list = [self.trace().network.get_concrete_function().graph]
        layers = {}
        while graphs:
            graph = graphs.pop()
            for operation in graph.get_operations():
                if operation.type in operations and (layer := self._layer_of(operation.name)):
                    layers[layer] = None
            graphs += [function.graph for function in getattr(graph, "_functions", {}).values() if _has_graph(function)]
        return list(layers)

    def _layer_of(self, path: str) -> str:
        """The layer in the path of an operation, such as "functional_1/pooling_1/Max"; "" for none."""
        names = sorted((layer.name for layer in self.model.layers), key=len, reverse=True)
        parts = path.split("/")
        return next((name for part in parts for name in names if part == name or part.startswith(f"{name}_")), "")


def _has_graph(function):
    return hasattr(function, "graph")


def unsupported(network: GraphNetwork, runtime: str, operations: Sequence[str]) -> str:
    """The message of a refusal: the operations that a runtime lacks, and the layers that use them."""
    layers = network.layers_with(operations)
    users = f", which the layer {' and '.join(layers)} uses" if layers else ""
    return f"Expected a network whose operations {runtime} has. Received: {', '.join(operations)}{users}."
