"""CUDA graphs of captured functions: all kernels of a decoding step are launched at once.

A CUDA graph (https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-graphs) reads and writes the same memory at
each replay, its static buffers. Callers see none of that, by three rules:

1. An array that the function only reads is copied into its buffer, unless that is what was copied last time.
2. An array that the function returns is a copy, made before the next replay.
3. An array that the function updates in place, such as a KV cache, lives in its buffer, and the caller gets an alias of
   it. While an alias or a view of it is alive anywhere, the graph runs for a caller alone who passes all of them again:
   they are updated in place, as without a graph. Another caller gets another graph, or none.

One lock is held from the first copy to the last. All callers use the same stream, torch's default:
`zoo/backend/torch_graph_pool.py` sees to it.
"""

import weakref
from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.graph import increment_version
from torch.fx import GraphModule

from zoo.backend.torch_graph import identities, parameters, writes
from zoo.backend.torch_replay import capture_stream, record

WARM_UP_RUNS = 2  # before a capture: the first runs choose kernels and allocate their workspaces


class StaticGraph:
    """A captured graph with static buffers; on a CPU, for tests, it runs without a CUDA graph but with the buffers.

    Args:
        module: the graph, of one device, which updates nothing in place but inputs.
        inputs: example inputs, of which the buffers are copies.

    Attributes:
        bytes: the size of the buffers.
    """

    @torch.no_grad()
    def __init__(self, module: GraphModule, inputs: list[Tensor]):
        self._module, self._buffers = module, [array.clone() for array in inputs]
        self._updated = sorted(writes(module.graph).inputs)
        self._sources, self._feedback = identities(module.graph), {}
        self._feedback = self._feedback_of(module(*self._buffers))
        self._outputs, self._replay = (_record_cuda if inputs[0].is_cuda else _record)(self._run)
        self._copied: list[tuple] = [(None, None)] * len(inputs)  # (weak reference, version) of what a buffer holds
        self._weights = [(weight, weight.detach(), weight.data_ptr()) for weight in parameters(module)]
        self.bytes = sum(array.nbytes for array in (*self._buffers, *self._outputs))
        self._unshared = [_references(self._buffers[i]) for i in self._updated]

    def is_valid(self) -> bool:
        """Whether the weights are in the memory that they were in: a graph knows no other."""
        return all(weight.data_ptr() == pointer for weight, _, pointer in self._weights)

    def belongs_to(self, inputs: list[Tensor]) -> bool:
        """Whether all inputs that are updated in place are this graph's buffers."""
        return bool(self._updated) and all(_is_same(inputs[i], self._buffers[i]) for i in self._updated)

    def is_idle(self) -> bool:
        """Whether nobody holds a buffer that is updated in place."""
        return [_references(self._buffers[i]) for i in self._updated] == self._unshared

    @torch.no_grad()
    def __call__(self, inputs: list[Tensor]) -> list[Tensor]:
        """The outputs; the caller holds the lock, and the graph is idle or belongs to the inputs."""
        for i, (array, buffer) in enumerate(zip(inputs, self._buffers, strict=True)):
            self._copy_in(i, array, buffer)
        self._replay()
        increment_version([self._buffers[i] for i in self._updated])  # a replay does not, and `_copy_in` reads it
        copies = iter([output.clone() for output in self._outputs])
        return [next(copies) if i is None else self._input(i, inputs) for i in self._sources]

    def _copy_in(self, i, array, buffer):
        if i in self._updated:
            if not _is_same(array, buffer):
                buffer.copy_(array)
            return
        reference, version = self._copied[i]
        if reference is None or reference() is not array or version != array._version:
            buffer.copy_(array)
            self._copied[i] = weakref.ref(array), array._version

    def _input(self, i, inputs):
        return self._buffers[i].detach() if i in self._updated else inputs[i]

    def _run(self):
        """Run the graph on the buffers: the outputs that are no inputs."""
        outputs = self._module(*self._buffers)
        for output, i in self._feedback.items():
            self._buffers[i].copy_(outputs[output])
        return [output for output, i in zip(outputs, self._sources, strict=True) if i is None]

    def _feedback_of(self, outputs):
        """{output: input}: outputs that take the buffers of inputs which are updated, but not returned.

        So the reordered caches of a beam search are neither copied out nor in again.
        """
        feedback, storages = {}, {output.untyped_storage().data_ptr() for output in outputs}
        for i in self._updated:
            buffer = self._buffers[i]
            if buffer.untyped_storage().data_ptr() in storages:
                continue
            new = (o for o, source in enumerate(self._sources) if source is None and _is_alike(outputs[o], buffer))
            output = next(new, None)
            if output is not None:
                feedback[output], self._sources[output] = i, i
        return feedback


def _record(run: Callable) -> tuple[list[Tensor], Callable]:
    """`(outputs, replay)`: `replay()` runs a function once more, into the same outputs."""
    outputs = run()

    def replay():
        for output, value in zip(outputs, run(), strict=True):
            output.copy_(value)

    return outputs, replay


def _record_cuda(run: Callable) -> tuple[list[Tensor], Callable]:
    """`(outputs, replay)` of a CUDA graph. Raises RuntimeError for operations that cannot be captured."""
    stream, current = capture_stream(), torch.cuda.current_stream()
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_RUNS):
            run()
    current.wait_stream(stream)
    return record(run)


def _is_same(array, buffer):
    return array.data_ptr() == buffer.data_ptr() and array.stride() == buffer.stride()


def _is_alike(array, buffer):
    return array.shape == buffer.shape and array.dtype == buffer.dtype


def _references(array):
    """How many arrays and views share an array's memory, itself included."""
    return torch._C._storage_Use_Count(array.untyped_storage()._cdata)  # pyright: ignore[reportPrivateUsage]
