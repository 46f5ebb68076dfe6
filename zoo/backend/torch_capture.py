"""Captured graphs on torch: operations without gradients and without the Python overhead of Keras's layers."""

import sys
from collections.abc import Callable
from typing import Any

import torch
from optree import tree_flatten, tree_unflatten

from zoo.backend.torch_graph import is_static, simplify
from zoo.backend.torch_graph_pool import LOCK, StaticGraphs

STATIC_DEVICES = {"cuda"}  # where a launch of a kernel costs more than the kernel: graphs run as CUDA graphs


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
    On a GPU the graph becomes a CUDA graph when it runs for the second time, where it can. An array that the function
    updates in place must not be used after the call: its new value is in what the function returns.

    Args:
        function: it may use Keras variables.
        on_trace: called without arguments whenever a graph is captured.
    """
    graphs, static_graphs = {}, StaticGraphs()

    def run(*arguments: Any) -> Any:
        flat, structure = tree_flatten(arguments)  # pyright: ignore[reportArgumentType]
        key = structure, tuple((array.shape, array.dtype) for array in flat)
        if key not in graphs:
            if on_trace:
                on_trace()
            with LOCK:  # torch captures one graph at a time, in one thread
                graphs[key], outputs = _capture(function, flat, structure)
            return outputs
        graph, output_structure, static = graphs[key]
        outputs = static_graphs.run(key, graph, flat) if static else None
        return tree_unflatten(output_structure, graph(*flat) if outputs is None else outputs)

    return run


def _capture(function, flat, structure):
    """`(graph, structure of its outputs, whether it runs static)`, and the outputs: the function runs meanwhile."""
    from torch.fx.experimental.proxy_tensor import make_fx  # slow to import

    outputs = []

    def flattened(*flat):
        outputs.append(function(*tree_unflatten(structure, flat)))
        return tree_flatten(outputs[0])[0]

    graph = simplify(make_fx(flattened)(*flat))
    static = bool(flat) and flat[0].device.type in STATIC_DEVICES and is_static(graph)
    return (graph, tree_flatten(outputs[0])[1], static), outputs[0]
