"""What is the same on the two backends that XLA compiles for."""

from keras import ops


def affine(x, kernel_IO, bias_O=None):
    """(..., outputs): (..., inputs) times a kernel, plus a bias, of flat rows: half the time for XLA's gradient."""
    rows = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), kernel_IO)
    rows = rows if bias_O is None else rows + bias_O
    return ops.reshape(rows, (*ops.shape(x)[:-1], kernel_IO.shape[-1]))
