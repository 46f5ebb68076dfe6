"""What the zoo asks of PyTorch beyond `keras.ops`."""

from functools import partial

import numpy as np
import torch

sigmoid, tanh, concatenate = torch.sigmoid, torch.tanh, partial(torch.cat, dim=-1)
split = partial(torch.chunk, dim=-1)


def seed(number):
    """Seed torch's global generators."""
    torch.manual_seed(number)


def random_state():
    """Global random states as {name: array}: Keras's dropout draws from torch's own generators."""
    state = {"cpu": torch.get_rng_state().numpy()}
    devices = enumerate(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])
    return state | {f"cuda{i}": device.numpy() for i, device in devices}


def set_random_state(state):
    """Put back what `random_state` returned."""
    torch.set_rng_state(torch.from_numpy(np.array(state["cpu"])))
    for name in sorted(set(state) - {"cpu"}):
        torch.cuda.set_rng_state(torch.from_numpy(np.array(state[name])), name)


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays."""
    return stream()


def transpose(matrix):
    """A matrix transposed, laid out so that products with it are quick."""
    return matrix.t().contiguous()


def scan(step, state, inputs, reverse=False):
    """Run `state, outputs = step(state, slices)` along axis 0 of the `inputs`: the last state and stacked outputs."""
    slices, outputs = list(zip(*(array.unbind(0) for array in inputs), strict=True)), []
    for now in reversed(slices) if reverse else slices:
        state, output = step(state, now)
        outputs.append(output)
    if reverse:
        outputs.reverse()
    return state, tuple(torch.stack(output) for output in zip(*outputs, strict=True))


def differentiable(forward, backward):
    """A function with a gradient of its own: `outputs, kept = forward(*arrays)`, `backward(kept, gradients)`."""

    def run(*arrays):
        if torch.is_grad_enabled():
            return _Differentiable.apply(forward, backward, *arrays)
        return forward(*arrays)[0]

    return run


class _Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(context, forward, backward, *arrays):
        outputs, kept = forward(*arrays)
        context.backward_pass = backward
        context.save_for_backward(*kept)
        return outputs

    @staticmethod
    def backward(context, *gradients):
        return None, None, *context.backward_pass(context.saved_tensors, gradients)
