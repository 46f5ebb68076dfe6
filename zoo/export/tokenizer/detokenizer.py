"""From ids to strings inside a graph."""

import tensorflow as tf

from zoo.runtime.errors import UserError

EXACT = ("NoneType", "ByteLevel", "WordPiece", "Fuse")  # decoders that treat each token by itself
BROKEN = r"\x{FFFD}+$"  # a character at the end whose other bytes were never written


class Detokenizer(tf.Module):
    """Gives the same text as its tokenizer's `decode`, special tokens left out, broken characters at the end cut off.

    Args:
        tokenizer: a `Tokenizer`.
        vocabulary: how many ids there are; those of no token are no text.

    Raises UserError where the text of a token depends on more than whether another one stands before it.
    """

    def __init__(self, tokenizer, vocabulary):
        super().__init__()
        decoder = type(tokenizer.backend.decoder).__name__
        if decoder not in EXACT:
            raise UserError(f"This tokenizer has no exact way back to text in TensorFlow: its decoder is {decoder}.")
        rest = [b""] * (vocabulary - tokenizer.vocabulary_size)
        self.first, self.further = (tf.constant([*column, *rest]) for column in tokenizer.token_bytes)

    @tf.autograph.experimental.do_not_convert
    def __call__(self, ids, lengths, before):
        """Return the text of each row, (rows,) strings.

        `ids` is (rows, time), of which `lengths`, (rows,), hold; `before`, (rows, any time), are ids that they follow.
        """
        held = tf.sequence_mask(lengths, tf.shape(ids)[1]) & self._written(ids)
        begins = held & (tf.cumsum(tf.cast(held, tf.int32), axis=1) == 1)
        begins &= ~tf.reduce_any(self._written(before), axis=1, keepdims=True)
        further = tf.where(held, tf.gather(self.further, ids), "")
        text = tf.strings.reduce_join(tf.where(begins, tf.gather(self.first, ids), further), axis=1)
        points = tf.strings.unicode_decode(text, "UTF-8", errors="replace")
        return tf.strings.regex_replace(tf.strings.unicode_encode(points, "UTF-8"), BROKEN, "")

    def _written(self, ids):
        return tf.gather(self.further, ids) != ""
