"""Multi-head attention: self, causal, cross, grouped-query, rotary and cached; T5's variant."""

from typing import Any

import keras
from keras import ops

from zoo import backend
from zoo.backend import Tensor
from zoo.layers.cache import LayerCache
from zoo.layers.dense import Dense, built_dense, project
from zoo.layers.implicit_mask import ImplicitMask
from zoo.layers.positions import RotaryPositions
from zoo.layers.traces import AttentionTrace, product_trace
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class MultiHeadAttention(ImplicitMask, keras.layers.Layer):
    """Multi-head scaled dot-product attention: (batch, time, width) to (batch, time, width).

    Vaswani et al. 2017, section 3.2, https://arxiv.org/abs/1706.03762. Fused wherever the backend can.

    Args:
        heads: heads of queries.
        kv_heads: heads of keys and values; fewer than `heads`: grouped-query attention (Ainslie et al. 2023,
            https://arxiv.org/abs/2305.13245); None: as many as `heads`.
        dropout: rate of dropout of the attention weights.
        causal: whether a token attends only to itself and to earlier tokens.
        rotary: options of `RotaryPositions`, which rotates queries and keys; None: no rotary positions.
        use_bias: whether the four dense layers have biases.
        init_std: standard deviation of new kernels: see `kernel_init`.
        out_init_std: the same of the output layer; None: `init_std`.

    Raises UserError if `heads` does not divide the width, or `kv_heads` does not divide `heads`.

    >>> layers.MultiHeadAttention(heads=4, kv_heads=2, causal=True)(keras.Input((5, 16))).shape
    (None, 5, 16)
    >>> source = keras.Input((9, 32))
    >>> mask = keras.Input((9,), dtype="bool")
    >>> layers.MultiHeadAttention(heads=4)(keras.Input((5, 16)), source, padding_mask=mask).shape
    (None, 5, 16)
    """

    masked_inputs = ("context", "x")
    head_width: int | None = None  # None: the heads share the width

    def __init__(
        self,
        heads: int,
        kv_heads: int | None = None,
        dropout: float = 0.0,
        causal: bool = False,
        rotary: dict[str, Any] | None = None,
        use_bias: bool = True,
        init_std: float | None = None,
        out_init_std: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.heads = heads
        self.kv_heads = kv_heads
        self.dropout = dropout
        self.causal = causal
        self.rotary = rotary
        self.use_bias = use_bias
        self.init_std = init_std
        self.out_init_std = out_init_std
        self.seed_generator = keras.random.SeedGenerator()
        _check_divides("kv_heads", kv_heads or heads, "heads", heads)

    def build(self, x_shape, context_shape=None, padding_mask_shape=None, positions_shape=None, bias_shape=None):
        if self.head_width is None:
            _check_divides("heads", self.heads, "the width", x_shape[-1])
        head_width = self.head_width or x_shape[-1] // self.heads
        width, kv_width = head_width * self.heads, head_width * (self.kv_heads or self.heads)
        self.query = self._dense("query", width, x_shape, self.init_std)
        self.key = self._dense("key", kv_width, context_shape or x_shape, self.init_std)
        self.value = self._dense("value", kv_width, context_shape or x_shape, self.init_std)
        self.out = self._dense("out", x_shape[-1], (*x_shape[:-1], width), self.out_init_std or self.init_std)
        if self.rotary is not None:
            self.rope = RotaryPositions(**self.rotary, name="rope", dtype=self.dtype_policy)
            self.rope.build((*x_shape[:2], self.heads, head_width))

    def call(
        self,
        x: Tensor,
        context: Tensor | None = None,
        padding_mask: Tensor | None = None,
        positions: Tensor | None = None,
        bias: Tensor | None = None,
        cache: LayerCache | None = None,
        training: bool = False,
    ) -> Tensor:
        """Self-attention of `x`, or cross-attention to `context`.

        Args:
            x: (batch, time, width).
            context: (batch, source time, its width); None: self-attention.
            padding_mask: booleans, True at visible tokens of the source: (batch, source time), or an attention mask,
                (batch, time, source time). With all keys masked the vector is finite.
            positions: (batch, time) integers, for rotary positions that do not count from 0.
            bias: (batch or 1, heads, time, source time), added to the scaled products of queries and keys.
            cache: a `LayerCache` of keys and values, which has the mask of earlier tokens.
        """
        if cache is not None:
            y_BTHD = self._attend_cached(x, context, padding_mask, bias, cache)
        else:
            y_BTHD = self.head_outputs(x, context, padding_mask, positions, bias, training)
        return self.out.call(ops.reshape(y_BTHD, (*ops.shape(x)[:2], y_BTHD.shape[2] * y_BTHD.shape[3])))

    def head_outputs(
        self,
        x: Tensor,
        context: Tensor | None = None,
        padding_mask: Tensor | None = None,
        positions: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        """Weights @ values of each head, before the output projection: (batch, time, heads, width of a head).

        Args: as of `call`.
        """
        if context is None:
            q_BTHD, k_BSKD, v_BSKD = self._queries_keys_values(x, positions)
        else:
            q_BTHD, (k_BSKD, v_BSKD) = (
                self._queries(self.query.call(x), positions),
                self._keys_values(context, positions),
            )
        rate = self.dropout if training else 0.0
        return backend.attention(q_BTHD, k_BSKD, v_BSKD, padding_mask, self.causal, rate, self.seed_generator, bias)

    def trace(
        self,
        x: Tensor,
        context: Tensor | None = None,
        padding_mask: Tensor | None = None,
        positions: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> AttentionTrace:
        """The attention weights of a call with the same arguments, with the queries and keys that they come from."""
        q_BTHD = self._split_heads(self.query(x), self.heads, positions)
        k_BSKD = self._split_heads(self.key(x if context is None else context), self.kv_heads or self.heads, positions)
        return product_trace(q_BTHD, k_BSKD, self._scale(q_BTHD.shape[-1]), padding_mask, self.causal, bias)

    def _scale(self, head_width):
        """The factor of the products of queries and keys."""
        return head_width**-0.5

    def _queries(self, q_BTM, positions):
        return self._split_heads(q_BTM, self.heads, positions)

    def _queries_keys_values(self, x, positions):
        q_BTM, k_BTM, v_BTM = project(x, (self.query, self.key, self.value))
        heads = self.kv_heads or self.heads
        return self._queries(q_BTM, positions), self._split_heads(k_BTM, heads, positions), _split(v_BTM, heads)

    def _keys_values(self, source, positions):
        heads = self.kv_heads or self.heads
        return self._split_heads(self.key.call(source), heads, positions), _split(self.value.call(source), heads)

    def _attend_cached(self, x, context, padding_mask, bias, cache: LayerCache):
        if context is not None:
            return self._attend_encoder(x, context, padding_mask, cache)
        if not self.causal:
            raise UserError(f"Expected causal layers for decoding. Received: {self.name!r}, which is not causal.")
        positions = cache.positions()
        q_BTHD, *kv_BTKD = self._queries_keys_values(x, positions)
        if cache.state is None:  # prefill: padding follows the texts, so that causal attention masks it
            cache.state = tuple(_pad_to_cache(x_BTKD, cache.length) for x_BTKD in kv_BTKD)
            return backend.attention(q_BTHD, *kv_BTKD, causal=True, bias_BHTS=bias)
        pairs, slots = zip(cache.state, kv_BTKD, strict=True), cache.context.slots
        k_BKSD, v_BKSD = (backend.update_cache(cached, ops.transpose(x, (0, 2, 1, 3)), slots) for cached, x in pairs)
        cache.state = k_BKSD, v_BKSD
        return backend.cached_attention(q_BTHD, k_BKSD, v_BKSD, cache.context.attention_mask, bias)

    def _attend_encoder(self, x, context, padding_mask, cache: LayerCache):
        """Cross-attention to a source whose keys and values are computed once."""
        if cache.cross is None:
            cache.cross = tuple(ops.transpose(x_BSKD, (0, 2, 1, 3)) for x_BSKD in self._keys_values(context, None))
        if padding_mask is not None and len(padding_mask.shape) == 2:
            padding_mask = padding_mask[:, None]
        k_BKSD, v_BKSD = cache.cross
        return backend.cached_attention(self._queries(self.query.call(x), None), k_BKSD, v_BKSD, padding_mask)

    def compute_output_spec(self, x, context=None, padding_mask=None, positions=None, bias=None, training=False):
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def _dense(self, name, units, shape, init_std) -> Dense:
        options = {"use_bias": self.use_bias, "kernel_initializer": kernel_init(init_std)}
        return built_dense(name, units, shape, self.dtype_policy, **options)

    def _split_heads(self, x_BTM, heads, positions):
        x_BTHD = _split(x_BTM, heads)
        return x_BTHD if self.rotary is None else self.rope(x_BTHD, positions)


@keras.saving.register_keras_serializable(package="zoo")
class T5Attention(MultiHeadAttention):
    """T5's attention: heads of any width, no biases, and products of queries and keys that are not scaled.

    Raffel et al. 2020, https://arxiv.org/abs/1910.10683. New query kernels are smaller, as in the released code.

    Args:
        heads: number of heads.
        head_width: width of each head; it need not be the width over the number of heads.
        dropout: rate of dropout of the attention weights.
        causal: whether a token attends only to itself and to earlier tokens.

    >>> layers.T5Attention(heads=4, head_width=8)(keras.Input((5, 16))).shape
    (None, 5, 16)
    """

    def __init__(self, heads: int, head_width: int, dropout: float = 0.0, causal: bool = False, **kwargs):
        super().__init__(heads, dropout=dropout, causal=causal, use_bias=False, **kwargs)
        self.head_width: int = head_width

    def _queries(self, q_BTM, positions):
        return super()._queries(q_BTM, positions) * self.head_width**0.5  # by which the backend divides

    def _scale(self, head_width):
        return 1.0

    def _dense(self, name, units, shape, init_std) -> Dense:
        init_std = (shape[-1] * (self.head_width if name == "query" else 1)) ** -0.5
        return super()._dense(name, units, shape, init_std)


def _split(x_BTM, heads):
    batch, time, width = ops.shape(x_BTM)
    return ops.reshape(x_BTM, (batch, time, heads, width // heads))


def _pad_to_cache(x_BSKD, length):
    """Keys or values, heads first, padded to the `length` slots of a cache."""
    free = length - ops.shape(x_BSKD)[1]
    return ops.pad(ops.transpose(x_BSKD, (0, 2, 1, 3)), ((0, 0), (0, 0), (0, free), (0, 0)))


def kernel_init(init_std: float | None) -> keras.initializers.Initializer | str:
    """The initializer of kernels: normal with a standard deviation, or Glorot's uniform for None."""
    return "glorot_uniform" if init_std is None else keras.initializers.RandomNormal(stddev=init_std)


def _check_divides(name, divisor, of, number):
    if divisor < 1 or number % divisor:
        raise UserError(f"{name} must divide {of}. Received: {name}={divisor}, {of.split()[-1]}={number}.")
