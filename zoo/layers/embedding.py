"""Token embedding, padding mask, word dropout and n-grams of token ids."""

from typing import Any

import keras
from keras import ops

from zoo import backend
from zoo.backend import Tensor
from zoo.backend.keras_private import EMBEDDINGS
from zoo.layers.cache import LayerCache
from zoo.layers.quantization import replace_weight
from zoo.runtime.errors import UserError

UNKNOWN = 1  # id of the unknown word, in every tokenizer that has one
FNV_PRIME = 16_777_619  # of the 32-bit FNV-1a hash, http://www.isthe.com/chongo/tech/comp/fnv/


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(keras.layers.Layer):
    """Padding mask: (batch, time) ids to booleans, True where the id is not `padding`.

    Args:
        padding: the id of padding.

    >>> keras.ops.convert_to_numpy(layers.PaddingMask()(np.array([[4, 7, 0]]))).tolist()
    [[True, True, False]]
    """

    def __init__(self, padding: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, tokens: Tensor, cache: LayerCache | None = None) -> Tensor:
        return ops.not_equal(tokens, self.padding) if cache is None else cache.padding_mask()


@keras.saving.register_keras_serializable(package="zoo")
class TokenEmbedding(keras.layers.ReversibleEmbedding):
    """Token embedding: (batch, time) ids to (batch, time, width) learned vectors.

    With `reverse=True` it maps (batch, time, width) features to logits over the vocabulary by the same weights (weight
    tying: Press & Wolf 2017, https://arxiv.org/abs/1608.05859).

    Args:
        vocabulary: number of ids.
        width: of a vector.
        padding: the id whose vector is always zero; None: there is no such id.
        kwargs: of `keras.layers.Embedding`, such as `mask_zero=True` for Keras's implicit mask.

    >>> embedding = layers.TokenEmbedding(vocabulary=1000, width=16)
    >>> x = embedding(keras.Input((5,), dtype="int32"))
    >>> x.shape, embedding(x, reverse=True).shape
    ((None, 5, 16), (None, 5, 1000))
    """

    def __init__(self, vocabulary: int, width: int, padding: int | None = 0, **kwargs):
        super().__init__(vocabulary, width, **kwargs)
        self.reverse_dtype = self.reverse_dtype or self.compute_dtype  # else Keras multiplies in float32
        self.padding = padding

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        quantized = getattr(self, "quantized", None)
        if reverse:  # of flat rows: torch multiplies each text anew where they do not lie one after another
            rows = ops.reshape(inputs, (-1, self.output_dim))
            logits = quantized.matmul(rows) if quantized else self._logits(rows)
            return ops.reshape(logits, (*ops.shape(inputs)[:-1], self.input_dim))
        x = ops.cast(quantized.take(inputs) if quantized else super().call(inputs), self.compute_dtype)
        if self.padding is None:
            return x
        return x * ops.cast(ops.not_equal(inputs, self.padding), x.dtype)[..., None]

    def _logits(self, rows):
        if not self.tie_weights or self.logit_soft_cap is not None:
            return super().call(rows, reverse=True)
        table = ops.cast(self.embeddings, self.reverse_dtype)
        return backend.linear(ops.cast(rows, self.reverse_dtype), ops.transpose(table))

    def quantize_weights(self, weight_type: str) -> None:
        """Replace the embedding table by an "int8" or "bfloat16" one."""
        replace_weight(self, EMBEDDINGS, self.embeddings, weight_type)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        sizes = {"vocabulary": config.pop("input_dim"), "width": config.pop("output_dim")}
        return config | sizes | {"padding": self.padding}


@keras.saving.register_keras_serializable(package="zoo")
class TokenDropout(keras.layers.Layer):
    """Word dropout: in training each token becomes `replacement` with probability `rate`; padding stays padding.

    Iyyer et al. 2015, section 2.3, https://aclanthology.org/P15-1162, average the remaining words (`replacement` 0,
    padding); Bowman et al. 2016, section 3.1, https://arxiv.org/abs/1511.06349, put the unknown word.

    Args:
        rate: probability of each token.
        replacement: the id in place of a dropped token.

    >>> layers.TokenDropout(0.3, replacement=1)(keras.Input((5,), dtype="int32")).shape
    (None, 5)
    """

    def __init__(self, rate: float, replacement: int = 0, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise UserError(f"TokenDropout needs a rate from 0 to below 1. Received: rate={rate!r}.")
        self.rate = rate
        self.replacement = replacement
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, tokens: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return tokens
        ones = ops.ones(ops.shape(tokens), "float32")
        dropped = ops.equal(backend.dropout(ones, self.rate, self.seed_generator), 0)
        return ops.where(ops.logical_and(dropped, ops.not_equal(tokens, 0)), self.replacement, tokens)


@keras.saving.register_keras_serializable(package="zoo")
class NGrams(keras.layers.Layer):
    """Adds an id for every n-gram of 2 to `longest` tokens: (batch, time) to (batch, longest * time), unigrams first.

    An id below `vocabulary` is a token; longer n-grams are hashed into `buckets` ids after the vocabulary (Joulin et
    al. 2017, section 2.1, https://arxiv.org/abs/1607.01759). An n-gram that reaches into padding is padding.

    Args:
        vocabulary: number of ids of tokens.
        longest: tokens of the longest n-gram.
        buckets: ids of n-grams of two or more tokens, which collide at random.

    >>> ngrams = layers.NGrams(vocabulary=1000, longest=2, buckets=512)
    >>> ngrams(keras.Input((5,), dtype="int32")).shape, ngrams.size
    ((None, 10), 1512)
    """

    def __init__(self, vocabulary: int, longest: int = 2, buckets: int = 2**18, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.longest = longest
        self.buckets = buckets

    @property
    def size(self) -> int:
        """Number of different ids that the layer returns: rows of an embedding for them."""
        return self.vocabulary + (self.buckets if self.longest > 1 else 0)

    def call(self, tokens: Tensor) -> Tensor:
        orders, hashed, complete = [tokens], tokens, ops.not_equal(tokens, 0)
        for order in range(1, self.longest):
            later = _shifted(tokens, order)
            hashed = ops.bitwise_xor(hashed * FNV_PRIME, later)  # wraps around at 32 bits, on every backend
            complete = ops.logical_and(complete, ops.not_equal(later, 0))
            bucket = ops.mod(hashed * FNV_PRIME, self.buckets)
            orders.append(ops.where(complete, self.vocabulary + bucket, 0))
        return ops.concatenate(orders, axis=1)

    def compute_output_spec(self, tokens):
        batch, time = tokens.shape
        return keras.KerasTensor((batch, time and time * self.longest), dtype=tokens.dtype)


def _shifted(tokens, count):
    """The ids `count` positions later, of (batch, time) ids; padding after the end."""
    return ops.pad(tokens, ((0, 0), (0, count)))[:, count:]
