"""What the zoo asks of PyTorch beyond `keras.ops`."""

import math
from functools import partial

import numpy as np
import torch

from zoo.backend import torch_attention, torch_capture, torch_optimizer, torch_recurrence
from zoo.backend.torch_entropy import PART, entropy

sigmoid, tanh, concatenate = torch.sigmoid, torch.tanh, partial(torch.cat, dim=-1)
split = partial(torch.chunk, dim=-1)
sigmoid_gradient, tanh_gradient = torch.ops.aten.sigmoid_backward.default, torch.ops.aten.tanh_backward.default

AdamW, fused_recurrence = torch_optimizer.AdamW, torch_recurrence.fused_recurrence
attend, write, recall = torch_attention.attend, torch_attention.write, torch_attention.recall
compiled, captured = torch_capture.compiled, torch_capture.captured
FEW = 8  # rows for which reading int8 weights is all that takes time
ROWS, SIZE = 4, 2**17  # of a product on a CPU, rows and numbers of the kernel, from which oneDNN is quicker than MKL
ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
BLOCK = 32  # numbers that torch's product with int8 weights reads at once, also beyond the end of a row
COMPILE = False  # `jit_compile` of models: torch.compile pays only where shapes never change


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


def affine(x, kernel_IO, bias_O=None):
    """(..., outputs): (..., inputs) times a kernel, plus a bias, in one call.

    On a CPU oneDNN multiplies where no gradient is asked for: two thirds of the time of MKL, which `linear` calls, for
    8 rows of 768 and a kernel of 768 x 3072, nine tenths for 2048 rows (AMD EPYC, one core).
    """
    if x.dtype != kernel_IO.dtype:
        kind = torch.promote_types(x.dtype, kernel_IO.dtype)
        x, kernel_IO = x.to(kind), kernel_IO.to(kind)
    if _suits_onednn(x, kernel_IO):
        return torch.ops.mkldnn._linear_pointwise(x, kernel_IO.t(), bias_O, "none", [], "")
    return torch.nn.functional.linear(x, kernel_IO.t(), bias_O)


def _suits_onednn(x, kernel_IO):
    plain = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_grad_enabled()
    rows = 1 if kernel_IO.stride(0) == 1 else ROWS  # a table of vectors turned over, MKL reads slowly for one row too
    return plain and ONEDNN and kernel_IO.numel() >= SIZE and x.numel() >= rows * len(kernel_IO)


def convolve(x_BTM, kernel_KMF, padding, dilation):
    """(batch, time, filters): a convolution over time; `padding` is "same" or "valid".

    A text is an image one pixel high whose channels come last, as they do in memory: on a CPU two thirds of the time of
    `torch.conv1d`, for which everything is copied to put channels first.
    """
    reach = (len(kernel_KMF) - 1) * dilation if padding == "same" else 0
    if reach % 2:
        x_BTM = torch.nn.functional.pad(x_BTM, (0, 0, 0, 1))  # the end gets the odd one
    kernel_FM1K = kernel_KMF.permute(2, 1, 0)[:, :, None].contiguous(memory_format=torch.channels_last)
    x_BM1T, both_ends = x_BTM.transpose(1, 2)[:, :, None], (0, reach // 2)
    y_BF1T = torch.nn.functional.conv2d(x_BM1T, kernel_FM1K, padding=both_ends, dilation=(1, dilation))
    return y_BF1T[:, :, 0].transpose(1, 2)


def leave_out(x, rate, seed, shape=None):
    """`x` with numbers left out with probability `rate` and the others made larger, so that the mean stays.

    On a CPU four numbers of 16 bits come from each that torch draws: a quarter of the time of torch's own dropout. So
    rates are rounded to 1 / 65536 there.

    Args:
        seed: the `keras.random.SeedGenerator` that is drawn from elsewhere; here torch's own is.
        shape: of what is decided on, broadcast to the shape of `x`; None in it, or None at all: as long as `x`.
    """
    shape = [own or size for own, size in zip(shape or x.shape, x.shape, strict=True)]
    if x.device.type != "cpu":
        return x * torch.nn.functional.dropout(x.new_ones(shape), rate)
    size, bound = math.prod(shape), round(rate * 2**16)
    drawn = torch.empty((size + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    kept = drawn.view(torch.int16)[:size].view(shape) >= bound - 2**15
    return x * kept.to(x.dtype).mul_(1 / (1 - bound / 2**16))


def largest(x_BTM, padding_mask):
    """(batch, width): the largest numbers of each text, lowest of all where nothing is visible.

    A sum is quicker than a choice, with its gradient, and that of `amax`, which Keras takes, is twice as slow.
    """
    hidden_BT = torch.zeros_like(padding_mask, dtype=x_BTM.dtype).masked_fill(~padding_mask, float("-inf"))
    return (x_BTM + hidden_BT[:, :, None]).max(1).values


def cross_entropy(logits, targets, smoothing=0.0):
    """The loss of each target in nats: (...,) of (..., classes) logits and (...,) integer classes.

    With `smoothing` s the target has 1 - s of the weight and all classes share s: Szegedy 2016, arXiv:1512.00567,
    section 7.
    """
    flat, right = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).long()
    if flat.device.type == "cpu" and flat.numel() > 2 * PART:
        loss = differentiable(*entropy(right, smoothing))(flat)
    else:
        loss = torch.nn.functional.cross_entropy(flat.float(), right, reduction="none", label_smoothing=smoothing)
    return loss.reshape(targets.shape)


def occurrences(values):
    """How often each element of a 1-D array stands in it: integers of the same shape."""
    _, place, count = torch.unique(values, return_inverse=True, return_counts=True)
    return count[place]


def product(x_RI, matrix_OI, scale_O):
    """(rows, outputs) of (rows, inputs) and a matrix of bfloat16, or of int8 whose rows have a scale.

    On a CPU int8 is read as it is where rows are few: 13.5 ms for 40 matrices of 3072 x 768 and one row, where float32
    takes 24.8, and for eight 34.9, where bfloat16 takes 28.9 and float32 62 (one core).
    """
    x = x_RI.bfloat16()
    if scale_O is None:
        return (x @ matrix_OI.t()).to(x_RI.dtype)
    if x.device.type == "cpu" and len(x) <= FEW and x.shape[1] % BLOCK == 0:
        return torch._weight_int8pack_mm(x, matrix_OI, scale_O.bfloat16()).to(x_RI.dtype)
    return (x @ matrix_OI.bfloat16().t()).to(x_RI.dtype) * scale_O.to(x_RI.dtype)


def repeat(condition, body, state):
    """`state = body(state)` while `condition(state)`; state is arrays, in any structure, whose shapes stay."""
    while condition(state):
        state = body(state)
    return state


def marked(ids, where, size):
    """(batch, size) booleans: which numbers are among (batch, some) `ids`, those `where` (batch, some) it is True."""
    return (
        torch.zeros(len(ids), size, dtype=torch.int32, device=ids.device).scatter_add_(1, ids.long(), where.int()) > 0
    )


def most(counts, limit):
    """The largest of an array of counts where a shape may depend on it, at least 1; on JAX the `limit` to them."""
    return max(int(counts.max()), 1)
