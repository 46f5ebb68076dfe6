"""The CUDA graphs of a captured function: which caller runs which, how many there are, and their memory."""

import weakref
from collections.abc import Hashable
from threading import RLock

import torch
from torch import Tensor
from torch.fx import GraphModule

from zoo.backend.torch_static_graph import StaticGraph

MAX_GRAPHS = 8  # of a function: shapes, and callers at once
IDLE_SHARE = 16  # idle graphs of a function hold at most this fraction of the device's memory
LOCK = RLock()  # of tracing, capturing and replaying


class StaticGraphs:
    """The static graphs of one function, at most `MAX_GRAPHS`: of several shapes, and of several callers at once."""

    def __init__(self):
        self._graphs: dict[StaticGraph, Hashable] = {}  # and their keys; the least recently used first
        self._failed: set[Hashable] = set()
        _pools.add(self)

    def run(self, key: Hashable, module: GraphModule, inputs: list[Tensor]) -> list[Tensor] | None:
        """The outputs of a graph; None where it cannot be captured, or where callers hold as many as there may be.

        Args:
            key: of the graph and the shapes of its inputs.
        """
        with LOCK:
            graph = self._idle_graph(key, inputs) or self._new(key, module, inputs)
            if graph is None:
                return None
            self._graphs.pop(graph, None)
            self._graphs[graph] = key
            return graph(inputs)

    def release(self, limit: float) -> None:
        """Drop idle graphs, the least recently used first, until they hold at most `limit` bytes."""
        with LOCK:
            idle = [graph for graph in self._graphs if graph.is_idle()]
            size = sum(graph.bytes for graph in idle)
            for graph in idle:
                if size > limit:
                    del self._graphs[graph]
                    size -= graph.bytes

    def _idle_graph(self, key, inputs):
        """The graph that the inputs belong to, else an idle one."""
        graphs = [graph for graph in self._graphs if self._graphs[graph] == key]
        for graph in graphs:
            if not graph.is_valid():
                self._graphs.clear()  # all have the same weights
                return None
        running = (graph for graph in graphs if graph.belongs_to(inputs))
        return next(running, None) or next((graph for graph in graphs if graph.is_idle()), None)

    def _new(self, key, module, inputs):
        if key in self._failed:
            return None
        self.release(_idle_limit(inputs[0]))
        while len(self._graphs) >= MAX_GRAPHS and (graph := next(filter(StaticGraph.is_idle, self._graphs), None)):
            del self._graphs[graph]
        if len(self._graphs) >= MAX_GRAPHS:
            return None
        try:
            return StaticGraph(module, inputs)
        except RuntimeError:  # an operation that cannot be captured, or out of memory: also runs without a graph
            self._failed.add(key)
            return None


_pools: weakref.WeakSet[StaticGraphs] = weakref.WeakSet()


def release_graphs() -> None:
    """Drop the idle graphs that hold much memory."""
    for pool in list(_pools):
        pool.release(_idle_limit(None))


def _idle_limit(array):
    if not torch.cuda.is_available() or (array is not None and not array.is_cuda):
        return float("inf")
    return torch.cuda.mem_get_info()[1] / IDLE_SHARE
