"""Detokenizer inside a graph: ids to strings."""

import re

import tensorflow as tf

from zoo.runtime.errors import UserError
from zoo.text.clean_up import REPLACEMENTS
from zoo.text.tokenizer import Tokenizer

EXACT = (
    "NoneType",
    "ByteLevel",
    "WordPiece",
    "Fuse",
    "Metaspace",
)  # decoders for which only the first token's text differs
INCOMPLETE = r"\x{FFFD}+$"  # a last character whose bytes were not all generated


class Detokenizer(tf.Module):
    """The text of generated ids, equal to the tokenizer's `decode` without special tokens and incomplete characters.

    Args:
        tokenizer: a `Tokenizer`.
        vocabulary: number of ids; an id without a token adds no text.

    Raises `UserError` where the text of a token depends on more than whether another token precedes it.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: int):
        super().__init__()
        decoder = type(tokenizer.backend.decoder).__name__
        if decoder not in EXACT:
            raise UserError(f"This tokenizer has no exact way back to text in TensorFlow: its decoder is {decoder}.")
        unused = [b""] * (vocabulary - tokenizer.vocabulary_size)
        self.clean_up = bool(tokenizer.settings and tokenizer.settings.clean_up)
        self.first, self.later = (tf.constant([*column, *unused]) for column in tokenizer.token_bytes)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, ids: tf.Tensor, lengths: tf.Tensor, prompts: tf.Tensor) -> tf.Tensor:
        """The text of each row, (rows,) strings.

        `ids` is (rows, time) with `lengths`, (rows,), valid ids each; `prompts`, (rows, any time), precede.
        """
        valid = tf.sequence_mask(lengths, tf.shape(ids)[1]) & self._has_text(ids)
        first = valid & (tf.cumsum(tf.cast(valid, tf.int32), axis=1) == 1)
        first &= ~tf.reduce_any(self._has_text(prompts), axis=1, keepdims=True)
        later = tf.where(valid, tf.gather(self.later, ids), "")
        text = tf.strings.reduce_join(tf.where(first, tf.gather(self.first, ids), later), axis=1)
        points = tf.strings.unicode_decode(text, "UTF-8", errors="replace")
        text = tf.strings.regex_replace(tf.strings.unicode_encode(points, "UTF-8"), INCOMPLETE, "")
        for old, new in REPLACEMENTS if self.clean_up else ():
            text = tf.strings.regex_replace(text, re.escape(old), new)
        return text

    def _has_text(self, ids):
        return tf.gather(self.later, ids) != ""
