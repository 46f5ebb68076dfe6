"""Words in a text of characters or bytes: which stands where, one vector for each, and back to the characters."""

import keras
from keras import ops

from zoo.backend import dynamic_max
from zoo.layers.crf import to_front

SPECIAL = 5  # ids of special tokens, below which none is a character: those of `zoo.tokenizer.SPECIAL_TOKENS`
LONGEST = 32  # characters of a word that are looked at together, a power of two
CASE = ord("a") - ord("A")  # from a capital's byte to its small letter's
PRIME = 16_777_619  # of the FNV hash, http://www.isthe.com/chongo/tech/comp/fnv/


@keras.saving.register_keras_serializable(package="zoo")
class WordIndex(keras.layers.Layer):
    """Numbers the words of each text, which blanks and special tokens part: (batch, time) ids to (batch, time) int32.

    What parts words has the number of the word before it; padding has -1.
    """

    def __init__(self, space, padding=0, **kwargs):
        super().__init__(**kwargs)
        self.space = space
        self.padding = padding

    def call(self, tokens):
        inside = _inside(tokens, self.space)
        before = ops.pad(inside[:, :-1], ((0, 0), (1, 0)))
        starts = ops.cast(ops.logical_and(inside, ops.logical_not(before)), "int32")
        return ops.where(ops.equal(tokens, self.padding), -1, ops.maximum(ops.cumsum(starts, axis=1) - 1, 0))


@keras.saving.register_keras_serializable(package="zoo")
class WordEnds(keras.layers.Layer):
    """The place of the last character of each word: (batch, time) `WordIndex` to (batch, words), -1 where is no word.

    There are as many columns as the text has words that has most, or where shapes must be known, as a text may have.
    """

    def call(self, numbers):
        later = ops.pad(numbers[:, 1:], ((0, 0), (0, 1)), constant_values=-1)
        count = ops.max(numbers, axis=1, keepdims=True) + 1
        size = dynamic_max(count, (ops.shape(numbers)[1] + 1) // 2)
        places = to_front(ops.not_equal(numbers, later))[:, :size]
        return ops.where(ops.arange(size, dtype="int32") < count, places, -1)

    def compute_output_spec(self, numbers):
        return keras.KerasTensor((numbers.shape[0], None), dtype="int32")


@keras.saving.register_keras_serializable(package="zoo")
class WordHashes(keras.layers.Layer):
    """An id for each word by its spelling: (batch, time) ids, `WordIndex` and `WordEnds` to (batch, words) int32.

    It is from 1 to `buckets`, and 0 where a text has no further word; words that share an id are few.

    Args:
        lowercase: whether capitals count as the small letters of ASCII.
        suffix: how many bytes at a word's end are looked at; 0: all.
    """

    def __init__(self, space, buckets, lowercase=False, suffix=0, **kwargs):
        super().__init__(**kwargs)
        self.space = space
        self.buckets = buckets
        self.lowercase = lowercase
        self.suffix = suffix

    def call(self, tokens, numbers, ends):
        inside = ops.cast(_inside(tokens, self.space), "int32")
        tokens = ops.where(_capital(tokens), tokens + CASE, tokens) if self.lowercase else tokens
        count = _cumsum(inside)
        place = count - _earlier(count, numbers, ends)
        if self.suffix:
            place = _at(_at(count, ends), numbers) - count
            inside = inside * ops.cast(place < self.suffix, "int32")
            place = place + LONGEST  # no word is its own ending
        mixed = _cumsum(inside * _mix(tokens + place * PRIME))
        total = _at(mixed, ends) - ops.pad(_at(mixed, ends)[:, :-1], ((0, 0), (1, 0)))
        return ops.where(ends < 0, 0, 1 + ops.mod(_mix(total), self.buckets))

    def compute_output_spec(self, tokens, numbers, ends):
        return keras.KerasTensor(ends.shape, dtype="int32")


@keras.saving.register_keras_serializable(package="zoo")
class WordMaxPooling(keras.layers.Layer):
    """The largest of each feature over the last `LONGEST` characters of each word.

    (batch, time, width), `WordIndex` and `WordEnds` to (batch, words, width), zero where a text has no further word.
    """

    def call(self, x, numbers, ends):
        reach = 1
        while reach < LONGEST:
            same = ops.equal(numbers[:, reach:], numbers[:, :-reach])[..., None]
            here, before = x[:, reach:], x[:, :-reach]
            most = ops.where(ops.logical_and(same, before > here), before, here)  # see `largest` of zoo/backend/jax.py
            x = ops.concatenate([x[:, :reach], most], axis=1)
            reach *= 2
        y = ops.take_along_axis(x, ops.maximum(ends, 0)[..., None], axis=1)
        return y * ops.cast(ends >= 0, y.dtype)[..., None]

    def compute_output_spec(self, x, numbers, ends):
        return keras.KerasTensor((*ends.shape, x.shape[-1]), dtype=x.dtype)


@keras.saving.register_keras_serializable(package="zoo")
class BroadcastWords(keras.layers.Layer):
    """Gives each character the features of its word: (batch, words, width) to (batch, time, width), zero at padding."""

    def call(self, x, numbers):
        y = ops.take_along_axis(x, ops.maximum(numbers, 0)[..., None], axis=1)
        return y * ops.cast(numbers >= 0, y.dtype)[..., None]

    def compute_output_spec(self, x, numbers):
        return keras.KerasTensor((*numbers.shape, x.shape[-1]), dtype=x.dtype)


def _inside(tokens, space):
    return ops.logical_and(tokens >= SPECIAL, ops.not_equal(tokens, space))


def _capital(tokens):
    return ops.logical_and(tokens >= SPECIAL + ord("A"), tokens <= SPECIAL + ord("Z"))


def _cumsum(x):
    return ops.cast(ops.cumsum(x, axis=1), "int32")


def _at(x, places):
    return ops.take_along_axis(x, ops.maximum(places, 0), axis=1)


def _earlier(count, numbers, ends):
    """What a running count was when the word of each place began."""
    before = ops.pad(_at(count, ends), ((0, 0), (1, 0)))
    return _at(before, numbers)


def _mix(number):
    """Another number, whose bits depend on all of this one's; it wraps around at 32 bits, on every backend."""
    number = number * PRIME
    return ops.bitwise_xor(number, ops.right_shift(number, 15)) * PRIME
