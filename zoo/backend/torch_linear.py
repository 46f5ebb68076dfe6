"""Linear maps on torch: of float32, of 16 bits on tensor cores, and of quantised weights.

`zoo/backend/jax.py` documents the functions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.backend.shapes import ALIGNMENT, TILE

INT8_ROWS = 8  # rows up to which a product is memory-bound, so that int8 weights are faster than bfloat16
ONEDNN_ROWS, ONEDNN_SIZE = 4, 2**17  # rows, and elements of the kernel, from which oneDNN is faster than MKL on a CPU
ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
INT8_BLOCK = 32  # elements that torch's product with int8 weights reads at once, also beyond the end of a row


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
    outputs = kernel_IO.shape[1]
    if x.device.type == "cuda" and outputs % ALIGNMENT and x.element_size() == 2 and torch.is_grad_enabled():
        return aligned_linear(x, kernel_IO, bias_O)
    return torch.nn.functional.linear(x, kernel_IO.t(), bias_O)


def aligned_linear(x, kernel_IO, bias_O):
    """The linear map with outputs padded to whole tiles of tensor cores, such as 50,257 logits of GPT-2 to 50,304."""
    outputs, padding = kernel_IO.shape[1], -kernel_IO.shape[1] % TILE
    kernel_OI = torch.nn.functional.pad(kernel_IO.t(), (0, 0, 0, padding))
    bias_O = None if bias_O is None else torch.nn.functional.pad(bias_O, (0, padding))
    return torch.nn.functional.linear(x, kernel_OI, bias_O)[..., :outputs]


def linears(x: Tensor, kernels_IO: Sequence[Tensor], biases_O: Sequence[Tensor | None]) -> list[Tensor]:
    """Several linear maps of the same features; in training on a GPU one product, of the kernels side by side."""
    if x.device.type != "cuda" or not torch.is_grad_enabled() or any(bias_O is None for bias_O in biases_O):
        return [linear(x, kernel_IO, bias_O) for kernel_IO, bias_O in zip(kernels_IO, biases_O, strict=True)]
    return joint_linear(x, kernels_IO, biases_O)


def joint_linear(x: Tensor, kernels_IO: Sequence[Tensor], biases_O: Sequence) -> list[Tensor]:
    """Several linear maps of the same features as one product of matrices."""
    y = linear(x, torch.cat(list(kernels_IO), 1), torch.cat(list(biases_O)))
    return list(y.split([kernel_IO.shape[1] for kernel_IO in kernels_IO], -1))


def _suits_onednn(x, kernel_IO):
    inference = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_grad_enabled()
    rows = 1 if kernel_IO.stride(0) == 1 else ONEDNN_ROWS  # MKL is slow at a transposed embedding table
    return inference and ONEDNN and kernel_IO.numel() >= ONEDNN_SIZE and x.numel() >= rows * len(kernel_IO)


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
