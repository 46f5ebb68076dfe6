"""Attention: every token takes from other tokens what it looks for."""

import keras
from keras import ops

from zoo import backend
from zoo.layers.dense import Dense
from zoo.layers.positions import RotaryPositions
from zoo.runtime.errors import UserError


@keras.saving.register_keras_serializable(package="zoo")
class MultiHeadAttention(keras.layers.Layer):
    """Scaled dot-product attention in several heads: (batch, time, width) to (batch, time, width).

    Vaswani et al. 2017, section 3.2, https://arxiv.org/abs/1706.03762. With fewer `kv_heads` than `heads`, groups of
    heads share keys and values (Ainslie et al. 2023, https://arxiv.org/abs/2305.13245). With `rotary`, the options of
    `RotaryPositions`, queries and keys are turned by their positions. Fused wherever the backend can.

    Raises UserError where `heads` does not divide the width or `kv_heads` does not divide `heads`.
    """

    head_width = None  # None: the heads share the width

    def __init__(
        self,
        heads,
        kv_heads=None,
        dropout=0.0,
        causal=False,
        rotary=None,
        use_bias=True,
        init_std=None,
        out_init_std=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.heads = heads
        self.kv_heads = kv_heads
        self.dropout = dropout  # of attention weights
        self.causal = causal
        self.rotary = rotary
        self.use_bias = use_bias
        self.init_std = init_std  # of fresh kernels: see `kernel_init`
        self.out_init_std = out_init_std  # of the output layer's; None: as of the others
        self.seed_generator = keras.random.SeedGenerator()
        _check_multiple("kv_heads", kv_heads or heads, "heads", heads)

    def build(self, x_shape, context_shape=None, padding_mask_shape=None, positions_shape=None, bias_shape=None):
        if self.head_width is None:
            _check_multiple("heads", self.heads, "the width", x_shape[-1])
        each = self.head_width or x_shape[-1] // self.heads
        width, kv_width = each * self.heads, each * (self.kv_heads or self.heads)
        self.query = self._dense("query", width, x_shape, self.init_std)
        self.key = self._dense("key", kv_width, context_shape or x_shape, self.init_std)
        self.value = self._dense("value", kv_width, context_shape or x_shape, self.init_std)
        self.out = self._dense("out", x_shape[-1], (*x_shape[:-1], width), self.out_init_std or self.init_std)
        if self.rotary is not None:
            self.rope = RotaryPositions(**self.rotary, name="rope", dtype=self.dtype_policy)
            self.rope.build((*x_shape[:2], self.heads, each))

    def call(self, x, context=None, padding_mask=None, positions=None, bias=None, cache=None, training=False):
        """Attend from `x` to itself, or to `context` where one is given.

        Args:
            x: (batch, time, width).
            context: (batch, source time, its width).
            visible: booleans, False where nothing may be taken from: (batch, source time), or (batch, time, source
                time) where that differs from token to token. A token that may look nowhere gets a finite vector.
            positions: (batch, time) integers, for rotary positions that do not count from 0.
            bias: (batch or 1, heads, time, source time), added to the products of queries and keys.
            memory: of keys and values, see `zoo.layers.cache`; it knows which earlier tokens are visible.
        """
        if cache is not None:
            y_BTHD = self._remember(x, context, padding_mask, bias, cache)
        else:
            k_BSKD, v_BSKD = self._source(x if context is None else context, positions)
            rate, q_BTHD = self.dropout if training else 0.0, self._query(x, positions)
            y_BTHD = backend.attend(q_BTHD, k_BSKD, v_BSKD, padding_mask, self.causal, rate, self.seed_generator, bias)
        return self.out.call(ops.reshape(y_BTHD, (*ops.shape(x)[:2], y_BTHD.shape[2] * y_BTHD.shape[3])))

    def _query(self, x, positions):
        return self._heads(self.query.call(x), self.heads, positions)

    def _source(self, source, positions):
        k_BSKD = self._heads(self.key.call(source), self.kv_heads or self.heads, positions)
        return k_BSKD, self._split(self.value.call(source), self.kv_heads or self.heads)

    def _remember(self, x, context, padding_mask, bias, cache):
        if context is not None:
            return self._look(x, context, padding_mask, cache)
        if not self.causal:
            raise UserError(f"Expected layers that look only backwards. Received: {self.name!r}, which is not causal.")
        positions = cache.positions()
        q_BTHD, source = self._query(x, positions), self._source(x, positions)
        if cache.state is None:  # padding follows the texts, so that looking backwards hides it
            cache.state = tuple(_first(x_BSKD, cache.length) for x_BSKD in source)
            return backend.attend(q_BTHD, *source, causal=True, bias_BHTS=bias)
        pairs, places = zip(cache.state, source, strict=True), cache.context.slots
        cache.state = tuple(backend.write(kept, ops.transpose(new, (0, 2, 1, 3)), places) for kept, new in pairs)
        return backend.recall(q_BTHD, *cache.state, cache.context.attention_mask, bias)

    def _look(self, x, context, padding_mask, cache):
        """Attention to a context whose keys and values are computed once."""
        if cache.cross is None:
            cache.cross = tuple(ops.transpose(x_BSKD, (0, 2, 1, 3)) for x_BSKD in self._source(context, None))
        visible_BTS = (
            padding_mask[:, None] if padding_mask is not None and len(padding_mask.shape) == 2 else padding_mask
        )
        return backend.recall(self._query(x, None), *cache.cross, visible_BTS)

    def compute_output_spec(self, x, context=None, padding_mask=None, positions=None, bias=None, training=False):
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)

    def _dense(self, name, units, shape, init_std):
        options = {"use_bias": self.use_bias, "kernel_initializer": kernel_init(init_std), "dtype": self.dtype_policy}
        layer = Dense(units, name=name, **options)
        layer.build(shape)
        return layer

    def _heads(self, x_BTM, heads, positions):
        x_BTHD = self._split(x_BTM, heads)
        return x_BTHD if self.rotary is None else self.rope(x_BTHD, positions)

    def _split(self, x_BTM, heads):
        batch, time, width = ops.shape(x_BTM)
        return ops.reshape(x_BTM, (batch, time, heads, width // heads))


@keras.saving.register_keras_serializable(package="zoo")
class T5Attention(MultiHeadAttention):
    """T5's attention: heads of any width, no biases, and products of queries and keys that are not divided.

    Raffel et al. 2020, https://arxiv.org/abs/1910.10683. Fresh queries are smaller instead, as in its released code.
    """

    def __init__(self, heads, head_width, dropout=0.0, causal=False, **kwargs):
        super().__init__(heads, dropout=dropout, causal=causal, use_bias=False, **kwargs)
        self.head_width = head_width

    def _query(self, x, positions):
        return super()._query(x, positions) * self.head_width**0.5  # by which the backend divides

    def _dense(self, name, units, shape, init_std):
        init_std = (shape[-1] * (self.head_width if name == "query" else 1)) ** -0.5
        return super()._dense(name, units, shape, init_std)


def _first(x_BSKD, length):
    """Heads first, with room for `length` tokens."""
    room = length - ops.shape(x_BSKD)[1]
    return ops.pad(ops.transpose(x_BSKD, (0, 2, 1, 3)), ((0, 0), (0, 0), (0, room), (0, 0)))


def kernel_init(init_std):
    """The initializer of kernels: normal with a standard deviation, or Glorot's uniform where it is None."""
    return "glorot_uniform" if init_std is None else keras.initializers.RandomNormal(stddev=init_std)


def _check_multiple(name, part, of, whole):
    if part < 1 or whole % part:
        raise UserError(f"{name} must divide {of}. Received: {name}={part}, {of.split()[-1]}={whole}.")
