"""A training step on torch as a flat graph of operations: traced by `make_fx`, compiled by Inductor, replayed on CUDA.

Keras's layers run while the graph is traced, and never again: a step of GPT-2 on a GPU spent two thirds of its time in
them, waiting for Python.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import torch
from torch import Tensor
from torch._functorch import config as functorch_config
from torch.utils._pytree import tree_flatten, tree_unflatten

from zoo.backend.torch_replay import Replay

REMAT_BUDGET = 0.1  # share of the activations that gradient checkpointing may store
WARM_UP = 3  # batches of a shape before its program is captured in a CUDA graph


def shapes_of(batch: Any) -> tuple:
    """The structure of a batch, with the shape and dtype of each array: programs with equal ones are the same."""
    leaves, structure = tree_flatten(batch)
    arrays = (torch.as_tensor(leaf) if _is_array(leaf) else leaf for leaf in leaves)
    return structure, tuple((*leaf.shape, leaf.dtype) if _is_array(leaf) else leaf for leaf in arrays)


class TrainingProgram:
    """Loss, metrics and gradients of a batch of one shape, compiled: forward pass, backward pass and metrics.

    Args:
        model: compiled and built, metrics included.
        batch: a batch of that shape, (inputs, targets, weights).
        pool: memory pool of CUDA graphs, of which one runs at a time.

    Raises UntraceableError, or any error of the compiler, for a network that it cannot compile.
    """

    def __init__(self, model: keras.Model, batch: Any, pool: Any = None):
        self.model, self.weights = model, model.trainable_variables
        self.state = [*model.non_trainable_variables, *model.metrics_variables]
        self.device = self.weights[0].value.device
        leaves, self.structure = tree_flatten(batch)
        self.is_array = [_is_array(leaf) for leaf in leaves]
        self.constants = [leaf for leaf in leaves if not _is_array(leaf)]  # such as None: no sample weights
        self.updated: list[keras.Variable] = []  # those of `state` that a step changes
        self.names: list[str] = []  # of the logs
        generators = [self.device] if self.device.type == "cuda" else []
        remat = any(getattr(layer, "rematerializes", False) for layer in model.layers)
        budget = functorch_config.patch(activation_memory_budget=REMAT_BUDGET if remat else 1.0)
        with budget, torch.random.fork_rng(generators):  # a resumed run draws the same random numbers
            self.compiled = torch.compile(self._trace(batch), fullgraph=True, dynamic=False)
            self._run(self._arrays(batch), torch.ones((), device=self.device))  # compiles both passes
        self.replay = Replay(self._run, WARM_UP, pool) if self.device.type == "cuda" else self._run

    def __call__(self, batch: Any, scale: Tensor) -> tuple[dict[str, Tensor], Sequence[Tensor | None]]:
        """Run the program: (logs, gradients of the trainable variables), valid until the next call; update metrics.

        Args:
            scale: loss scale, a scalar; the gradients are those of the loss times it.
        """
        outputs, gradients = self.replay(self._arrays(batch), scale)
        logs, updates = outputs[: len(self.names)], outputs[len(self.names) :]
        with torch.no_grad():
            for variable, value in zip(self.updated, updates, strict=True):
                variable.value.copy_(value)
        return dict(zip(self.names, logs, strict=True)), gradients

    def _run(self, arrays, scale):
        loss, *outputs = self.compiled(*self._values(), *arrays)
        gradients = torch.autograd.grad(loss, [weight.value for weight in self.weights], scale, allow_unused=True)
        return [output.detach() for output in outputs], list(gradients)

    def _values(self):
        return [variable.value for variable in (*self.weights, *self.state)]

    def _arrays(self, batch):
        leaves = tree_flatten(batch)[0]
        return [torch.as_tensor(leaf).to(self.device, non_blocking=True) for leaf in leaves if _is_array(leaf)]

    def _trace(self, batch):
        """The forward pass as a graph of operations that have gradients: `pre_dispatch` traces above autograd."""
        from torch.fx.experimental.proxy_tensor import make_fx  # slow to import

        graph = make_fx(self._forward, pre_dispatch=True)(*self._values(), *self._arrays(batch))
        for node in graph.graph.nodes:
            if node.op == "get_attr":  # a constant: a copy to the device at each step would be no part of a CUDA graph
                setattr(graph, node.target, getattr(graph, node.target).to(self.device))
        return graph

    def _forward(self, *tensors):
        """The loss, the logs and the new values of `updated`, of the values of all variables and a batch's arrays."""
        count = len(self.weights) + len(self.state)
        variables, model = [*self.weights, *self.state], self.model
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(self._batch(tensors[count:]))
        with keras.StatelessScope(state_mapping=list(zip(variables, tensors[:count], strict=True))) as scope:
            outputs = model(inputs, training=True)
            loss = model.compute_loss(inputs, targets, outputs, weights, training=True)
            rows = tree_flatten(inputs)[0][0].shape[0]
            model.metrics[0].update_state(loss, sample_weight=rows)  # the mean of the losses
            logs = model.compute_metrics(inputs, targets, outputs, weights)
        pairs = zip(self.state, tensors[len(self.weights) : count], strict=True)
        changed = [(v, scope.get_current_value(v)) for v, before in pairs if scope.get_current_value(v) is not before]
        self.names, self.updated = list(logs), [variable for variable, _ in changed]
        return [loss, *logs.values(), *(value for _, value in changed)]

    def _batch(self, tensors):
        arrays, constants = iter(tensors), iter(self.constants)
        leaves = [next(arrays) if is_array else next(constants) for is_array in self.is_array]
        return tree_unflatten(leaves, self.structure)


def _is_array(leaf):
    return isinstance(leaf, Tensor | np.ndarray)
