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

from zoo.backend import torch_attention, torch_capture, torch_gradients, torch_optimizer, torch_recurrence
from zoo.backend.torch_entropy import CHUNK, entropy

sigmoid, tanh, concatenate = torch.sigmoid, torch.tanh, partial(torch.cat, dim=-1)
split = partial(torch.chunk, dim=-1)
sigmoid_gradient, tanh_gradient = torch.ops.aten.sigmoid_backward.default, torch.ops.aten.tanh_backward.default

AdamW, lerp, fused_recurrence = torch_optimizer.AdamW, torch_optimizer.lerp, torch_recurrence.fused_recurrence
attention, cached_attention = torch_attention.attention, torch_attention.cached_attention
update_cache, jit, capture = torch_attention.update_cache, torch_capture.jit, torch_capture.capture
custom_gradient, value_and_gradients = torch_gradients.custom_gradient, torch_gradients.value_and_gradients
remat = torch_gradients.remat
INT8_ROWS = 8  # rows up to which a product is memory-bound, so that int8 weights are faster than bfloat16
ONEDNN_ROWS, ONEDNN_SIZE = 4, 2**17  # rows, and elements of the kernel, from which oneDNN is faster than MKL on a CPU
ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
INT8_BLOCK = 32  # elements that torch's product with int8 weights reads at once, also beyond the end of a row
predict_function = attrgetter("predict_on_batch")
JIT_COMPILE = False  # `jit_compile` of models: torch.compile pays only where shapes never change


def has_accelerator() -> bool:
    """Whether torch sees a GPU."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def seed(number: int) -> None:
    """Seed torch's global generators."""
    torch.manual_seed(number)


def set_train_function(model: keras.Model) -> None:
    """Set the training step of a compiled model: Keras's own."""


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


def linear(x: Tensor, kernel_IO: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """The linear map x W + b, in one call: (..., inputs) to (..., outputs).

    On a CPU oneDNN multiplies where no gradient is needed: two thirds of the time of MKL, which torch's own `linear`
    calls, for 8 rows of 768 and a kernel of 768 x 3072, nine tenths for 2048 rows (AMD EPYC, one core).
    """
    if x.dtype != kernel_IO.dtype:
        dtype = torch.promote_types(x.dtype, kernel_IO.dtype)
        x, kernel_IO = x.to(dtype), kernel_IO.to(dtype)
    if _suits_onednn(x, kernel_IO):
        return torch.ops.mkldnn._linear_pointwise(x, kernel_IO.t(), bias_O, "none", [], "")
    return torch.nn.functional.linear(x, kernel_IO.t(), bias_O)


def _suits_onednn(x, kernel_IO):
    inference = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_grad_enabled()
    rows = 1 if kernel_IO.stride(0) == 1 else ONEDNN_ROWS  # MKL is slow at a transposed embedding table
    return inference and ONEDNN and kernel_IO.numel() >= ONEDNN_SIZE and x.numel() >= rows * len(kernel_IO)


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
    if x.device.type != "cpu":
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
    if flat.device.type == "cpu" and flat.numel() > 2 * CHUNK:
        loss = torch_gradients.custom_gradient(*entropy(labels, smoothing))(flat)
    else:
        loss = torch.nn.functional.cross_entropy(flat.float(), labels, reduction="none", label_smoothing=smoothing)
    return loss.reshape(targets.shape)


def count_occurrences(values: Tensor) -> Tensor:
    """How often each element of a 1-D array occurs in the array."""
    _, index, count = torch.unique(values, return_inverse=True, return_counts=True)
    return count[index]


def quantized_matmul(x_RI: Tensor, matrix_OI: Tensor, scale_O: Tensor | None) -> Tensor:
    """(rows, outputs) of (rows, inputs) and a matrix of bfloat16, or of int8 with a scale per output.

    On a CPU few rows are multiplied by int8 weights directly: 13.5 ms for 40 matrices of 3072 x 768 and one row, where
    float32 takes 24.8, and 34.9 for eight rows, where bfloat16 takes 28.9 and float32 62 (one core).
    """
    x = x_RI.bfloat16()
    if scale_O is None:
        return (x @ matrix_OI.t()).to(x_RI.dtype)
    if x.device.type == "cpu" and len(x) <= INT8_ROWS and x.shape[1] % INT8_BLOCK == 0:
        return torch._weight_int8pack_mm(x, matrix_OI, scale_O.bfloat16()).to(x_RI.dtype)  # pyright: ignore[reportPrivateImportUsage]
    return (x @ matrix_OI.bfloat16().t()).to(x_RI.dtype) * scale_O.to(x_RI.dtype)


def token_mask(ids: Tensor, where: Tensor, vocabulary: int) -> Tensor:
    """(batch, vocabulary) booleans, True at the `ids` at which `where` is True."""
    counts = torch.zeros(len(ids), vocabulary, dtype=torch.int32, device=ids.device)
    return counts.scatter_add_(1, ids.long(), where.int()) > 0


def dynamic_max(counts: Tensor, limit: int) -> int:
    """The largest of an array of counts, at least 1."""
    return max(int(counts.max()), 1)
