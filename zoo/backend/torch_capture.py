"""Captured graphs on torch: operations without gradients and without the Python overhead of Keras's layers."""

import sys
from collections.abc import Callable
from threading import RLock

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

_capturing = RLock()  # torch captures one graph at a time, in one thread


class UntraceableError(RuntimeError):
    """A function whose gradient cannot be traced, such as a recurrent layer, whose kernels are fused already."""


def is_tracing() -> bool:
    """Whether a graph is being captured by `make_fx`, so that no decision may depend on the values of tensors."""
    tracer = sys.modules.get("torch.fx.experimental.proxy_tensor")  # slow to import, by whoever traces
    return tracer is not None and tracer.get_proxy_mode() is not None


def check_traceable(name: str) -> None:
    """Raise UntraceableError while a graph is captured through which gradients will be computed."""
    if torch.is_grad_enabled() and is_tracing():
        raise UntraceableError(f"{name} computes its gradient by hand.")


def jit(function: Callable, variables: list, on_trace: Callable | None = None, donate: bool = True) -> Callable:
    """`function` without gradients; torch does not compile it, the other backends do."""
    return torch.no_grad()(function)


def capture(function: Callable, on_trace: Callable | None = None) -> Callable:
    """`function`, of arrays in any structure, as a graph of torch's operations, captured once for each shape.

    That saves the Python overhead of Keras's layers: half the time of a decoding step of GPT-2 with one row on a CPU.

    Args:
        function: it may use Keras variables.
        on_trace: called without arguments whenever a graph is captured.
    """
    graphs = {}

    def run(*arguments):
        flat, structure = tree_flatten(arguments)
        key = structure, tuple((array.shape, array.dtype) for array in flat)
        if key in graphs:
            graph, output_structure = graphs[key]
            return tree_unflatten(graph(*flat), output_structure)
        if on_trace:
            on_trace()
        with _capturing:
            graphs[key], outputs = _capture(function, flat, structure)
        return outputs

    return run


def _capture(function, flat, structure):
    """`(graph, structure of its outputs)`, and the outputs: the function runs while its graph is captured."""
    from torch.fx.experimental.proxy_tensor import make_fx  # slow to import

    outputs = []

    def flattened(*flat):
        outputs.append(function(*tree_unflatten(flat, structure)))
        return tree_flatten(outputs[0])[0]

    graph = make_fx(flattened)(*flat)
    return (graph, tree_flatten(outputs[0])[1]), outputs[0]
