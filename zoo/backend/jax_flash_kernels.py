"""Pallas kernels of flash attention with dropout, for Triton: no array of (time, source time) is stored.

Dao 2023, arXiv:2307.08691; dropout as in Dao et al. 2022, arXiv:2205.14135, appendix B. The backward pass computes the
weights and the dropout mask again, from the logarithm of each softmax's sum and from the seed.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from zoo.backend.jax_dropout import WEYL, dropout_mask

NEG_INF = -1e9  # score of a masked key, as in `zoo/backend/jax_attention.py`
BLOCK = 64  # queries and keys in a tile: the least rows of a product of Hopper's tensor cores
HIDDEN, ATTENDED, PADDING = 0, 1, 2  # values of the mask of keys: padding has no weight at all


@dataclass(frozen=True)
class Attention:
    """The options of one attention.

    Attributes:
        sizes: queries, keys and heads, without padding.
        scale: factor of the products of queries and keys.
        causal: whether a query sees no key after its own position.
        rate: of dropout.
        masked: whether a mask hides keys, or padding fills the last tile.
        interpret: whether the kernels are interpreted.
    """

    sizes: tuple[int, int, int]
    scale: float
    causal: bool
    rate: float
    masked: bool
    interpret: bool

    def scores(self, q_TD, k_SD, mask, rows_T, columns_S):
        """The scores of a tile, (queries, keys)."""
        score_TS = triton.dot(q_TD, k_SD, trans_b=True) * self.scale
        if self.causal:
            score_TS = jnp.where(rows_T[:, None] >= columns_S[None], score_TS, NEG_INF)
        if self.masked:
            score_TS = jnp.where(mask == HIDDEN, NEG_INF, score_TS)
            score_TS = jnp.where(mask == PADDING, float("-inf"), score_TS)
        return score_TS

    def start(self, bits_ref):
        """The two numbers that start the random numbers of one head."""
        time, source, heads = self.sizes
        head = (pl.program_id(2) * heads + pl.program_id(1)).astype("uint32")
        return bits_ref[0] + head * _weyl(time * source), bits_ref[1]

    def keep(self, bits, rows_T, columns_S):
        """The dropout mask of a tile, the same as of all weights in one array, (batch, heads, time, source)."""
        row_T = rows_T.astype("uint32") * _weyl(self.sizes[1])
        return dropout_mask(row_T[:, None] + (columns_S.astype("uint32") * WEYL)[None], bits, self.rate)


def forward(attention, q_ref, k_ref, v_ref, mask_ref, bits_ref, y_ref, lse_ref):
    tile, keys = q_ref.shape[0], _block(k_ref.shape[0])
    q_TD, rows_T, bits = q_ref[...], pl.program_id(0) * tile + jnp.arange(tile), attention.start(bits_ref)

    def body(i, state):
        y_TD, top_T, total_T = state
        part, columns_S = pl.ds(i * keys, keys), i * keys + jnp.arange(keys)
        score_TS = attention.scores(q_TD, k_ref[part, :], mask_ref[:, part], rows_T, columns_S)
        new_top_T = jnp.maximum(top_T, score_TS.max(1))
        weight_TS, shrink_T = jnp.exp(score_TS - new_top_T[:, None]), jnp.exp(top_T - new_top_T)
        total_T = total_T * shrink_T + weight_TS.sum(1)
        weight_TS = jnp.where(attention.keep(bits, rows_T, columns_S), weight_TS, 0.0)
        y_TD = y_TD * shrink_T[:, None] + triton.dot(weight_TS.astype(v_ref.dtype), v_ref[part, :])
        return y_TD, new_top_T, total_T

    empty = jnp.zeros(q_TD.shape, "float32"), jnp.full((tile,), float("-inf")), jnp.zeros((tile,))
    y_TD, top_T, total_T = jax.lax.fori_loop(0, _last_keys(attention, tile, keys, k_ref.shape[0]), body, empty)
    y_ref[...] = (y_TD / (total_T * (1 - attention.rate))[:, None]).astype(y_ref.dtype)
    lse_ref[...] = top_T + jnp.log(total_T)


def _last_keys(attention, tile, keys, source):
    """The number of blocks of keys that a tile of queries reads."""
    blocks = source // keys
    return jnp.minimum(((pl.program_id(0) + 1) * tile + keys - 1) // keys, blocks) if attention.causal else blocks


def query_gradient(attention, q_ref, k_ref, v_ref, mask_ref, bits_ref, dy_ref, lse_ref, delta_ref, dq_ref):
    tile, keys = q_ref.shape[0], _block(k_ref.shape[0])
    rows_T, bits = pl.program_id(0) * tile + jnp.arange(tile), attention.start(bits_ref)
    tensors = q_ref[...], dy_ref[...], lse_ref[...], delta_ref[...]

    def body(i, dq_TD):
        part, columns_S = pl.ds(i * keys, keys), i * keys + jnp.arange(keys)
        k_SD, v_SD, mask = k_ref[part, :], v_ref[part, :], mask_ref[:, part]
        _, ds_TS = _tile_gradient(attention, tensors, k_SD, v_SD, mask, bits, rows_T, columns_S)
        return dq_TD + triton.dot(ds_TS.astype(k_SD.dtype), k_SD)

    blocks = _last_keys(attention, tile, keys, k_ref.shape[0])
    dq_TD = jax.lax.fori_loop(0, blocks, body, jnp.zeros(dq_ref.shape, "float32"))
    dq_ref[...] = (dq_TD * attention.scale).astype(dq_ref.dtype)


def key_gradient(attention, q_ref, k_ref, v_ref, mask_ref, bits_ref, dy_ref, lse_ref, delta_ref, dk_ref, dv_ref):
    tile, queries = k_ref.shape[0], _block(q_ref.shape[0])
    columns_S, bits = pl.program_id(0) * tile + jnp.arange(tile), attention.start(bits_ref)
    k_SD, v_SD = k_ref[...], v_ref[...]

    def body(i, state):
        part, rows_T = pl.ds(i * queries, queries), i * queries + jnp.arange(queries)
        tensors = q_TD, dy_TD, _, _ = q_ref[part, :], dy_ref[part, :], lse_ref[part], delta_ref[part]
        mask = mask_ref[...] if mask_ref.shape[0] == 1 else mask_ref[part, :]
        dropped_TS, ds_TS = _tile_gradient(attention, tensors, k_SD, v_SD, mask, bits, rows_T, columns_S)
        dk_SD = state[0] + triton.dot(ds_TS.astype(q_TD.dtype), q_TD, trans_a=True)
        return dk_SD, state[1] + triton.dot(dropped_TS.astype(dy_TD.dtype), dy_TD, trans_a=True)

    first = pl.program_id(0) * tile // queries if attention.causal else 0
    zeros = jnp.zeros(k_SD.shape, "float32")
    dk_SD, dv_SD = jax.lax.fori_loop(first, q_ref.shape[0] // queries, body, (zeros, zeros))
    dk_ref[...] = (dk_SD * attention.scale).astype(dk_ref.dtype)
    dv_ref[...] = dv_SD.astype(dv_ref.dtype)


def _tile_gradient(attention, tensors, k_SD, v_SD, mask, bits, rows_T, columns_S):
    """The dropped weights of a tile, and the gradient of its scores."""
    q_TD, dy_TD, lse_T, delta_T = tensors
    weight_TS = jnp.exp(attention.scores(q_TD, k_SD, mask, rows_T, columns_S) - lse_T[:, None])
    factor_TS = jnp.where(attention.keep(bits, rows_T, columns_S), 1 / (1 - attention.rate), 0.0)
    return weight_TS * factor_TS, weight_TS * (triton.dot(dy_TD, v_SD, trans_b=True) * factor_TS - delta_T[:, None])


def _weyl(count):
    return np.uint32(count * int(WEYL) % 2**32)


def _block(size):
    return min(BLOCK, size)
