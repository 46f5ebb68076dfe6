"""Word features of texts of characters or bytes: word indices, hash ids, max pooling over words, and broadcast."""

import keras
from keras import ops

from zoo.backend import Tensor, dynamic_max
from zoo.layers.crf_algorithms import to_front
from zoo.layers.embedding import FNV_PRIME

SPECIAL = 5  # ids of special tokens, below the ids of characters: those of `zoo.tokenizers._tokenizer.SPECIAL_TOKENS`
WINDOW = 32  # last characters of a word, over which max pooling goes; a power of two
CASE = ord("a") - ord("A")  # from a capital's byte to its small letter's


@keras.saving.register_keras_serializable(package="zoo")
class WordIndex(keras.layers.Layer):
    """The index of each character's word in its text: (batch, time) ids to (batch, time) int32.

    Words are separated by spaces and special tokens, which get the index of the word before them; padding gets -1.

    Args:
        space: id of the space.
        padding: id of padding.

    >>> layers.WordIndex(space=37)(keras.Input((5,), dtype="int32")).shape
    (None, 5)
    """

    def __init__(self, space: int, padding: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.space = space
        self.padding = padding

    def call(self, tokens: Tensor) -> Tensor:
        inside = _inside(tokens, self.space)
        before = ops.pad(inside[:, :-1], ((0, 0), (1, 0)))
        starts = ops.cast(ops.logical_and(inside, ops.logical_not(before)), "int32")
        return ops.where(ops.equal(tokens, self.padding), -1, ops.maximum(ops.cumsum(starts, axis=1) - 1, 0))


@keras.saving.register_keras_serializable(package="zoo")
class WordEnds(keras.layers.Layer):
    """The position of the last character of each word: (batch, time) `WordIndex` to (batch, words), -1 as padding.

    The columns are as many as words in the text with the most words; where shapes must be static, (time + 1) // 2.

    >>> layers.WordEnds()(layers.WordIndex(space=37)(keras.Input((5,), dtype="int32"))).shape
    (None, None)
    """

    def call(self, word_index: Tensor) -> Tensor:
        later = ops.pad(word_index[:, 1:], ((0, 0), (0, 1)), constant_values=-1)
        count = ops.max(word_index, axis=1, keepdims=True) + 1
        size = dynamic_max(count, (ops.shape(word_index)[1] + 1) // 2)
        ends = to_front(ops.not_equal(word_index, later))[:, :size]
        return ops.where(ops.arange(size, dtype="int32") < count, ends, -1)

    def compute_output_spec(self, word_index):
        return keras.KerasTensor((word_index.shape[0], None), dtype="int32")


@keras.saving.register_keras_serializable(package="zoo")
class WordHashes(keras.layers.Layer):
    """Hash of each word's characters, an id for a hash embedding: (batch, words) int32, 1 to `buckets`; 0 as padding.

    Collisions are as rare as among random ids.

    Args:
        space: id of the space.
        buckets: number of ids.
        lowercase: whether capitals of ASCII count as small letters.
        suffix: number of bytes at a word's end that are hashed; 0: all bytes.
        rounds: times that the hash of each byte is mixed: 1 suffices for buckets of 16 bits, 2 for those of 31.

    >>> tokens = keras.Input((5,), dtype="int32")
    >>> word_index = layers.WordIndex(space=37)(tokens)
    >>> layers.WordHashes(space=37, buckets=1000)(tokens, word_index, layers.WordEnds()(word_index)).shape
    (None, None)
    """

    def __init__(self, space: int, buckets: int, lowercase: bool = False, suffix: int = 0, rounds: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.rounds = rounds
        self.space = space
        self.buckets = buckets
        self.lowercase = lowercase
        self.suffix = suffix

    def call(self, tokens: Tensor, word_index: Tensor, ends: Tensor) -> Tensor:
        """The ids of (batch, time) tokens with their `WordIndex` and `WordEnds`."""
        inside = ops.cast(_inside(tokens, self.space), "int32")
        tokens = ops.where(_capital(tokens), tokens + CASE, tokens) if self.lowercase else tokens
        count = _cumsum(inside)
        position = count - _count_before_word(count, word_index, ends)
        if self.suffix:
            position = _at(_at(count, ends), word_index) - count
            inside = inside * ops.cast(position < self.suffix, "int32")
            position = position + WINDOW  # so that no word has the hash of its own suffix
        mixed = tokens + position * FNV_PRIME
        for _ in range(self.rounds):
            mixed = _mix(mixed)
        mixed = _cumsum(inside * mixed)
        total = _at(mixed, ends) - ops.pad(_at(mixed, ends)[:, :-1], ((0, 0), (1, 0)))
        return ops.where(ends < 0, 0, 1 + ops.mod(_mix(total), self.buckets))

    def compute_output_spec(self, tokens, word_index, ends):
        return keras.KerasTensor(ends.shape, dtype="int32")


@keras.saving.register_keras_serializable(package="zoo")
class WordMaxPooling(keras.layers.Layer):
    """Max pooling over the last `WINDOW` characters of each word: (batch, time, width) to (batch, words, width).

    Zeros where a text has fewer words.

    >>> word_index = layers.WordIndex(space=37)(keras.Input((5,), dtype="int32"))
    >>> layers.WordMaxPooling()(keras.Input((5, 16)), word_index, layers.WordEnds()(word_index)).shape
    (None, None, 16)
    """

    def call(self, x: Tensor, word_index: Tensor, ends: Tensor) -> Tensor:
        """Pool `x` with the `WordIndex` and `WordEnds` of its text."""
        reach = 1
        while reach < WINDOW:
            same_word = ops.equal(word_index[:, reach:], word_index[:, :-reach])[..., None]
            current, earlier = x[:, reach:], x[:, :-reach]
            take_earlier = ops.logical_and(same_word, earlier > current)  # no maximum: see `masked_max` in JAX's file
            larger = ops.where(take_earlier, earlier, current)
            x = ops.concatenate([x[:, :reach], larger], axis=1)
            reach *= 2
        y = ops.take_along_axis(x, ops.maximum(ends, 0)[..., None], axis=1)
        return y * ops.cast(ends >= 0, y.dtype)[..., None]

    def compute_output_spec(self, x, word_index, ends):
        return keras.KerasTensor((*ends.shape, x.shape[-1]), dtype=x.dtype)


@keras.saving.register_keras_serializable(package="zoo")
class BroadcastWords(keras.layers.Layer):
    """Broadcasts word features to characters: (batch, words, width) to (batch, time, width), zero at padding.

    >>> layers.BroadcastWords()(keras.Input((2, 16)), keras.Input((5,), dtype="int32")).shape
    (None, 5, 16)
    """

    def call(self, x: Tensor, word_index: Tensor) -> Tensor:
        """Broadcast `x` by the `WordIndex` of its text."""
        y = ops.take_along_axis(x, ops.maximum(word_index, 0)[..., None], axis=1)
        return y * ops.cast(word_index >= 0, y.dtype)[..., None]

    def compute_output_spec(self, x, word_index):
        return keras.KerasTensor((*word_index.shape, x.shape[-1]), dtype=x.dtype)


def _inside(tokens, space):
    return ops.logical_and(tokens >= SPECIAL, ops.not_equal(tokens, space))


def _capital(tokens):
    return ops.logical_and(tokens >= SPECIAL + ord("A"), tokens <= SPECIAL + ord("Z"))


def _cumsum(x):
    return ops.cast(ops.cumsum(x, axis=1), "int32")


def _at(x, indices):
    return ops.take_along_axis(x, ops.maximum(indices, 0), axis=1)


def _count_before_word(count, word_index, ends):
    """The running `count` before the word of each character."""
    before = ops.pad(_at(count, ends), ((0, 0), (1, 0)))
    return _at(before, word_index)


def _mix(number):
    """A hash of each int32 whose bits depend on all bits of the number; it wraps around on every backend."""
    number = number * FNV_PRIME
    return ops.bitwise_xor(number, ops.right_shift(number, 15)) * FNV_PRIME
