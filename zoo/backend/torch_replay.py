"""CUDA graphs: the kernels of a function are captured once and replayed by one call, without Python between them.

https://pytorch.org/blog/accelerating-pytorch-with-cuda-graphs
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor


class Replay:
    """A function of tensors that runs as it is for the first calls, and as a replay of its CUDA graph after them.

    Args:
        function: `function(arrays, scalar)` returns tensors in any structure. All other tensors that it reads or writes
            must stay where they are in memory.
        warm_up: calls before the graph is captured, in which kernels are chosen and memory is reserved.
        pool: memory pool, shared with graphs that never run at the same time.

    The tensors that a replay returns are overwritten by the next one.
    """

    def __init__(self, function: Callable, warm_up: int, pool: Any):
        self.function, self.calls_left, self.pool = function, warm_up, pool
        self.replay: Callable | None = None

    def __call__(self, arrays: Sequence[Tensor], scalar: Tensor) -> Any:
        """The outputs of the function."""
        if self.calls_left == 0 and self.replay is None:
            self._capture(arrays, scalar)
        if self.replay is None:
            self.calls_left -= 1
            return self.function(arrays, scalar)
        for buffer, array in zip(self.inputs, (*arrays, scalar), strict=True):
            buffer.copy_(array, non_blocking=True)
        self.replay()
        return self.outputs

    def _capture(self, arrays, scalar):
        """Capture the graph; where CUDA refuses, the function goes on as it is."""
        self.inputs = [array.clone() for array in (*arrays, scalar)]
        try:
            self.outputs, self.replay = record(lambda: self.function(self.inputs[:-1], self.inputs[-1]), self.pool)
        except RuntimeError as error:
            warnings.warn(f"Training without a CUDA graph, which is slower: {str(error)[:200]}", stacklevel=2)


def record(run: Callable, pool: Any = None) -> tuple[Any, Callable]:
    """`(outputs, replay)` of a CUDA graph: `replay()` runs the kernels of `run()` again, into the same outputs.

    Raises RuntimeError for operations that cannot be captured.

    Args:
        pool: memory pool, shared with graphs that never run at the same time.
    """
    graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph, pool=pool, stream=capture_stream(), capture_error_mode="thread_local"):
            outputs = run()
    finally:
        torch.cuda.set_stream(current)  # torch leaves the stream of a capture that fails
    return outputs, graph.replay


@cache
def capture_stream() -> Any:
    """The one stream of all captures: cuBLAS keeps a workspace for each."""
    return torch.cuda.Stream()
