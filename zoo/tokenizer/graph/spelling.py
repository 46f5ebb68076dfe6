"""From ids to strings inside a graph."""

import json

import tensorflow as tf

from zoo.tokenizer.splitting import byte_spelling

BROKEN = r"\x{FFFD}+$"  # a character at the end whose other bytes were never written


class Speller(tf.Module):
    """Gives the same text as its tokenizer's `decode`, special tokens left out, broken characters at the end cut off.

    Args:
        tokenizer: a `TrainedTokenizer`.
        vocabulary: how many ids there are; those of no token are no text.

    Raises ValueError where the text of a token depends on more than whether another one stands before it.
    """

    def __init__(self, tokenizer, vocabulary):
        super().__init__()
        texts = _texts(tokenizer) + [("", "")] * (vocabulary - tokenizer.size)
        self.first, self.further = (tf.constant(column) for column in zip(*texts, strict=True))

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


def _texts(tokenizer):
    """The bytes of each token where a text begins with it, and where another token stands before it."""
    kind = (json.loads(tokenizer.rust.to_str())["decoder"] or {"type": None})["type"]
    ids = range(tokenizer.size)
    if kind == "ByteLevel":
        byte_of = {character: byte for byte, character in enumerate(byte_spelling())}
        return [(text, text) for text in (_bytes(tokenizer, id, byte_of) for id in ids)]
    if kind not in (None, "WordPiece", "Fuse"):
        raise ValueError(f"This tokenizer has no exact way back to text inside TensorFlow: its decoder is {kind}.")
    leader = next(id for id in ids if tokenizer.decode([id]))
    start = len(tokenizer.decode([leader]).encode())
    alone, after = ([tokenizer.decode([*head, id]).encode() for id in ids] for head in ([], [leader]))
    return [(text, pair[start:]) for text, pair in zip(alone, after, strict=True)]


def _bytes(tokenizer, id, byte_of):
    token = tokenizer.token(id)
    if token is None or not tokenizer.decode([id]):
        return b""
    return bytes(map(byte_of.get, token)) if set(token) <= byte_of.keys() else token.encode()
