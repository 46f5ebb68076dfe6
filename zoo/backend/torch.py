"""The PyTorch backend beyond `keras.ops`. `zoo/backend/jax.py` documents the functions."""

import math
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

import keras
import numpy as np
import torch
from torch import Tensor

from zoo.backend import (
    torch_attention,
    torch_capture,
    torch_device,
    torch_gradients,
    torch_linear,
    torch_optimizer,
    torch_recurrence,
    torch_training,
)
from zoo.backend.torch_entropy import CHUNK, entropy

sigmoid, tanh, concatenate = torch.sigmoid, torch.tanh, partial(torch.cat, dim=-1)
split = partial(torch.chunk, dim=-1)
sigmoid_gradient, tanh_gradient = torch.ops.aten.sigmoid_backward.default, torch.ops.aten.tanh_backward.default

AdamW, lerp, fused_recurrence = torch_optimizer.AdamW, torch_optimizer.lerp, torch_recurrence.fused_recurrence
attention, cached_attention = torch_attention.attention, torch_attention.cached_attention
update_cache, jit, capture = torch_attention.update_cache, torch_capture.jit, torch_capture.capture
has_accelerator, accelerates_bfloat16 = torch_device.has_accelerator, torch_device.accelerates_bfloat16
free_memory, is_out_of_memory = torch_device.free_memory, torch_device.is_out_of_memory
set_train_function, is_tracing = torch_training.set_train_function, torch_capture.is_tracing
linear, linears, quantized_matmul = torch_linear.linear, torch_linear.linears, torch_linear.quantized_matmul
custom_gradient, value_and_gradients = torch_gradients.custom_gradient, torch_gradients.value_and_gradients
remat = torch_gradients.remat
predict_function = attrgetter("predict_on_batch")
JIT_COMPILE = False  # `jit_compile` of models: torch.compile pays only where shapes never change


def seed(number: int) -> None:
    """Seed torch's global generators."""
    torch.manual_seed(number)


def random_state() -> dict[str, np.ndarray]:
    """The global random states as {name: array}: dropout draws from torch's own generators."""
    state = {"cpu": torch.get_rng_state().numpy()}
    devices = enumerate(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])
    return state | {f"cuda{i}": device.numpy() for i, device in devices}


def set_random_state(state: dict[str, np.ndarray]) -> None:
    """Restore what `random_state` returned."""
    torch.set_rng_state(torch.from_numpy(np.array(state["cpu"])))
    for name in sorted(set(state) - {"cpu"}):
        torch.cuda.set_rng_state(torch.from_numpy(np.array(state[name])), name)


def fit_input(stream: Callable, signature: tuple) -> Any:
    """The `x` of `keras.Model.fit` for a stream of batches."""
    return stream()


def transpose(matrix: Tensor) -> Tensor:
    """A matrix transposed, laid out so that products with it are quick."""
    return matrix.t().contiguous()


def scan(step: Callable, state: tuple, inputs: tuple, reverse: bool = False) -> tuple:
    """Scan over axis 0 of the `inputs`."""
    slices, outputs = list(zip(*(array.unbind(0) for array in inputs), strict=True)), []
    for step_inputs in reversed(slices) if reverse else slices:
        state, output = step(state, step_inputs)
        outputs.append(output)
    if reverse:
        outputs.reverse()
    return state, tuple(torch.stack(output) for output in zip(*outputs, strict=True))


def while_loop(condition: Callable, body: Callable, state: Any) -> Any:
    """`state = body(state)` while `condition(state)`."""
    while condition(state):
        state = body(state)
    return state


def update_rows(array: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """An array, batch first, with `values` in its (n,) `rows`, in place."""
    return array.index_copy_(0, rows.long(), values.to(array.dtype))


def conv1d(x_BTM: Tensor, kernel_KMF: Tensor, padding: str, dilation: int) -> Tensor:
    """A convolution over time, (batch, time, filters).

    A text is an image one pixel high whose channels come last, as they do in memory: on a CPU two thirds of the time of
    `torch.conv1d`, for which everything is copied to put channels first.
    """
    reach = (len(kernel_KMF) - 1) * dilation if padding == "same" else 0
    if reach % 2:
        x_BTM = torch.nn.functional.pad(x_BTM, (0, 0, 0, 1))  # an odd total pads the end by one more
    kernel_FM1K = kernel_KMF.permute(2, 1, 0)[:, :, None].contiguous(memory_format=torch.channels_last)
    x_BM1T, end_padding = x_BTM.transpose(1, 2)[:, :, None], (0, reach // 2)
    y_BF1T = torch.nn.functional.conv2d(x_BM1T, kernel_FM1K, padding=end_padding, dilation=(1, dilation))
    return y_BF1T[:, :, 0].transpose(1, 2)


def dropout(x: Tensor, rate: float, seed: keras.random.SeedGenerator, noise_shape: tuple | None = None) -> Tensor:
    """Dropout by torch's global generator; `seed` is ignored.

    On a CPU each random number of 64 bits serves four elements: a quarter of the time of torch's own dropout. So rates
    are rounded to 1 / 65536 there.
    """
    shape = [noise or size for noise, size in zip(noise_shape or x.shape, x.shape, strict=True)]
    if x.device.type != "cpu" or is_tracing():
        if shape == list(x.shape):
            return torch.nn.functional.dropout(x, rate)
        return x * torch.nn.functional.dropout(x.new_ones(shape), rate)
    size, bound = math.prod(shape), round(rate * 2**16)
    bits = torch.empty((size + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    keep = bits.view(torch.int16)[:size].view(shape) >= bound - 2**15
    return x * keep.to(x.dtype).mul_(1 / (1 - bound / 2**16))


def masked_max(x_BTM: Tensor, mask_BT: Tensor) -> Tensor:
    """Max pooling over the tokens where `mask_BT` is True, (batch, width); -inf for a text without a token.

    Adding -inf is faster than `where`, gradient included; the gradient of `amax`, which Keras uses, is twice as slow.
    """
    bias_BT = torch.zeros_like(mask_BT, dtype=x_BTM.dtype).masked_fill(~mask_BT, float("-inf"))
    return (x_BTM + bias_BT[:, :, None]).max(1).values


def cross_entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """The cross-entropy of each target in nats."""
    flat, labels = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).long()
    if flat.device.type == "cpu" and flat.numel() > 2 * CHUNK and not is_tracing():
        loss = torch_gradients.custom_gradient(*entropy(labels, smoothing))(flat)
    else:
        loss = torch.nn.functional.cross_entropy(flat.float(), labels, reduction="none", label_smoothing=smoothing)
    return loss.reshape(targets.shape)


def count_occurrences(values: Tensor) -> Tensor:
    """How often each element of a 1-D array occurs in the array."""
    _, index, count = torch.unique(values, return_inverse=True, return_counts=True)
    return count[index]


def token_mask(ids: Tensor, where: Tensor, vocabulary: int) -> Tensor:
    """(batch, vocabulary) booleans, True at the `ids` at which `where` is True."""
    counts = torch.zeros(len(ids), vocabulary, dtype=torch.int32, device=ids.device)
    return counts.scatter_add_(1, ids.long(), where.int()) > 0


def dynamic_max(counts: Tensor, limit: int) -> int:
    """The largest of an array of counts, at least 1."""
    torch_capture.check_traceable("dynamic_max")
    return max(int(counts.max()), 1)
