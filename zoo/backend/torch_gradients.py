"""Gradients on torch."""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from zoo.backend.torch_capture import check_traceable, is_tracing


def custom_gradient(forward: Callable, backward: Callable) -> Callable:
    """A differentiable function of arrays with a hand-written gradient."""

    def run(*arrays):
        check_traceable("custom_gradient")
        if torch.is_grad_enabled():
            return _CustomGradient.apply(forward, backward, *arrays)
        return forward(*arrays)[0]

    return run


def value_and_gradients(function: Callable, *arrays: Any) -> tuple[Tensor, list[Tensor]]:
    """The value of a scalar function of arrays of floats, and its gradient by each array."""
    with torch.enable_grad():
        tensors = [keras.ops.convert_to_tensor(array).detach().requires_grad_() for array in arrays]
        value = function(*tensors)
    if not value.requires_grad:  # it depends on no array
        return value, [torch.zeros_like(tensor) for tensor in tensors]
    return value.detach(), list(torch.autograd.grad(value, tensors, allow_unused=True, materialize_grads=True))


def remat(function: Callable) -> Callable:
    """`function` computed again in the backward pass, with the random numbers of the forward pass.

    As it is while a graph is captured: a compiler of graphs chooses by itself what to compute again.
    """

    def run(*arguments):
        if is_tracing() or not torch.is_grad_enabled():
            return function(*arguments)
        return checkpoint(function, *arguments, use_reentrant=False)

    return run


class _CustomGradient(torch.autograd.Function):
    @staticmethod
    def forward(context, forward, backward, *arrays):
        outputs, residuals = forward(*arrays)
        context.backward_pass = backward
        context.save_for_backward(*residuals)
        return outputs

    @staticmethod
    def backward(context, *gradients):
        return None, None, *context.backward_pass(context.saved_tensors, gradients)
