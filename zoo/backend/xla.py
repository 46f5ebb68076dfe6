"""Functions that are the same on JAX and TensorFlow, which XLA can compile."""

from typing import Any

from keras import ops


def linear(x: Any, kernel_IO: Any, bias_O: Any = None) -> Any:
    """The linear map x W + b: (..., inputs) to (..., outputs), of flat rows: half the time for XLA's gradient."""
    rows = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), kernel_IO)
    rows = rows if bias_O is None else rows + bias_O
    return ops.reshape(rows, (*ops.shape(x)[:-1], kernel_IO.shape[-1]))
