"""Flash attention with dropout on JAX, by the Pallas kernels of `zoo/backend/jax_flash_kernels.py`.

cuDNN's own kernel has dropout too, but its seed is a constant of the program and XLA counts its random numbers on the
host: a resumed run would draw others, and a captured graph of CUDA repeats them. The dropout mask here is the one that
`zoo/backend/jax_attention.py` draws from the same seed.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from zoo.backend.jax_flash_kernels import ATTENDED, BLOCK, PADDING, Attention, forward, key_gradient, query_gradient

LEAST = 16  # rows and columns of a Triton product
TOLERANCE = 0.1  # relative to the largest value or gradient: half precision rounds 4.6 % of a small gradient


def flash_attention(
    q_BTHD: Array,
    k_BSKD: Array,
    v_BSKD: Array,
    mask: Array | None,
    causal: bool,
    rate: float,
    bits_2: Array,
    interpret: bool = False,
) -> Array:
    """Attention as in `zoo/backend/jax_attention.py`, (batch, time, heads, width), of half-precision arrays.

    Args:
        mask: booleans, True at visible keys: (batch, source time) or (batch, time, source time), or None.
        bits_2: two uint32 numbers, from `start_bits`.
        interpret: whether the kernels are interpreted, on any device.
    """
    (_, time, heads, width), (batch, source, _, _) = q_BTHD.shape, k_BSKD.shape
    rows, columns, size = _padded(time), _padded(source), _power(width)
    attention = Attention(
        (time, source, heads),
        scale=width**-0.5,
        causal=causal,
        rate=rate,
        masked=mask is not None or columns != source,
        interpret=interpret,
    )
    q, k, v = (_pad(x, (batch, n, x.shape[2], size)) for x, n in ((q_BTHD, rows), (k_BSKD, columns), (v_BSKD, columns)))
    mask = jnp.ones((batch, 1, source), "int8") if mask is None else mask.reshape(batch, -1, source).astype("int8")
    mask = _pad(mask, (batch, 1 if mask.shape[1] == 1 else rows, source), ATTENDED)
    mask = _pad(mask, (*mask.shape[:2], columns), PADDING)
    y_BTHD: Any = _attend(attention, q, k, v, mask, bits_2)
    return y_BTHD[:, :time, :, :width]


def disagreement(plain: Callable, width: int, dtype: str, interpret: bool = False) -> str:
    """How values or gradients differ from those of `plain_attention` on a small example; "" where they agree.

    Computed at once in a thread of its own, also while a function is traced. Raises the compiler's error where the
    kernels do not compile.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_disagreement, plain, width, dtype, interpret).result()


def _disagreement(plain, width, dtype, interpret):
    q, k, v, weight = jnp.sin(jnp.arange(4 * 96 * 2 * width) * 0.7).reshape(4, 1, 96, 2, width).astype(dtype)
    arguments = jnp.arange(96)[None] < 80, True, 0.1, jnp.array([7, 9], "uint32")

    def outputs(attention):
        y, gradients = jax.jit(lambda q, k, v: jax.vjp(lambda *x: attention(*x, *arguments), q, k, v))(q, k, v)
        return y, *gradients(weight)

    results = map(outputs, (plain, partial(flash_attention, interpret=interpret)))
    error = max(float(abs(x - y).max() / abs(x).max()) for x, y in zip(*results, strict=True))
    return "" if error < TOLERANCE else f"values or gradients differ by {error:.1%}"


def _padded(size):
    """The length of an axis whose tiles are full: a multiple of `BLOCK`, or a power of 2 below it."""
    return _power(size) if size < BLOCK else -(-size // BLOCK) * BLOCK


def _power(size):
    return max(LEAST, 1 << (size - 1).bit_length())


def _pad(x, shape, value=0):
    if x.shape == shape:
        return x
    return jnp.pad(x, [(0, size - old) for size, old in zip(shape, x.shape, strict=True)], constant_values=value)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _attend(attention, q, k, v, mask, bits):
    return _attend_forward(attention, q, k, v, mask, bits)[0]


def _attend_forward(attention, q, k, v, mask, bits):
    statistics = jax.ShapeDtypeStruct((q.shape[0], q.shape[2], q.shape[1]), "float32")
    tiles, full = _Blocks(q.shape[1]), _Blocks(None)
    inputs = [tiles.head(q, q), full.head(k, q), full.head(v, q), tiles.mask(mask, rows=True), full.bits]
    y, lse = _run(forward, attention, q, inputs, [(tiles.head(q, q), q), (tiles.row(q), statistics)])(
        q, k, v, mask, bits
    )
    return y, (q, k, v, mask, bits, y, lse)


def _attend_backward(attention, residuals, dy):
    q, k, v, mask, bits, y, lse = residuals
    delta = jnp.einsum("bthd,bthd->bht", dy, y, preferred_element_type="float32")
    arrays = q, k, v, mask, bits, dy, lse, delta
    tiles, full = _Blocks(q.shape[1]), _Blocks(None)
    inputs = [tiles.head(q, q), full.head(k, q), full.head(v, q), tiles.mask(mask, rows=True), full.bits]
    inputs += [tiles.head(q, q), tiles.row(q), tiles.row(q)]
    (dq,) = _run(query_gradient, attention, q, inputs, [(tiles.head(q, q), q)])(*arrays)
    tiles = _Blocks(k.shape[1])
    inputs = [full.head(q, q), tiles.head(k, q), tiles.head(v, q), tiles.mask(mask, rows=False), full.bits]
    inputs += [full.head(q, q), full.row(q), full.row(q)]
    each = jax.ShapeDtypeStruct((*k.shape[:2], *q.shape[2:]), k.dtype)  # a gradient for each head of queries
    dk, dv = _run(key_gradient, attention, each, inputs, [(tiles.head(each, q), each)] * 2)(*arrays)
    return dq, _sum_groups(dk, k), _sum_groups(dv, v), None, None


_attend.defvjp(_attend_forward, _attend_backward)


def _sum_groups(gradient, x):
    batch, time, heads, width = x.shape
    grouped = gradient.reshape(batch, time, heads, -1, width)
    return grouped.sum(3, dtype="float32").astype(x.dtype) if grouped.shape[3] > 1 else gradient


def _run(kernel: Callable, attention: Attention, tiled: Any, inputs: Sequence, outputs: Sequence) -> Callable:
    """A kernel over a grid of (tiles of the axis of time of `tiled`, its heads, batch)."""
    return pl.pallas_call(
        partial(kernel, attention),
        grid=(tiled.shape[1] // min(BLOCK, tiled.shape[1]), tiled.shape[2], tiled.shape[0]),
        in_specs=inputs,
        out_specs=[spec for spec, _ in outputs],
        out_shape=[jax.ShapeDtypeStruct(array.shape, array.dtype) for _, array in outputs],
        compiler_params=triton.CompilerParams(num_warps=4, num_stages=2),
        interpret=attention.interpret,
    )


class _Blocks:
    """The blocks of arrays that the programs of a grid of (tiles, heads, batch) read and write.

    Args:
        length: of the axis of time, of which each program has a tile; None: each has the full axis.
    """

    bits = pl.BlockSpec((2,), lambda *_: (0,))

    def __init__(self, length: int | None):
        self.tiled, self.size = length is not None, length and min(BLOCK, length)

    def head(self, x: Any, q: Any) -> pl.BlockSpec:
        """One head of `x`, (batch, time, heads, width), that belongs to a head of the queries `q`."""
        groups = q.shape[2] // x.shape[2]
        shape = (None, self.size or x.shape[1], None, x.shape[3])
        return pl.BlockSpec(shape, lambda t, h, b: (b, self._index(t), h // groups, 0))

    def row(self, q: Any) -> pl.BlockSpec:
        """A number for each query of one head, (batch, heads, time)."""
        return pl.BlockSpec((None, None, self.size or q.shape[1]), lambda t, h, b: (b, h, self._index(t)))

    def mask(self, mask: Array, rows: bool) -> pl.BlockSpec:
        """A mask, (batch, 1 or time, source time), whose `rows`, or else columns, are tiled."""
        if not rows:
            return pl.BlockSpec((None, mask.shape[1], self.size), lambda t, h, b: (b, 0, t))
        if mask.shape[1] == 1:
            return pl.BlockSpec((None, 1, mask.shape[2]), lambda t, h, b: (b, 0, 0))
        return pl.BlockSpec((None, self.size, mask.shape[2]), lambda t, h, b: (b, t, 0))

    def _index(self, tile):
        return tile if self.tiled else 0
