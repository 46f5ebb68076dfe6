"""Byte-pair encoding of characters inside a graph, as SentencePiece's BPE has it: unknown characters become bytes."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from zoo.export.tokenizer.byte_pairs import BytePairs
from zoo.export.tokenizer.characters import CodePointTable
from zoo.export.tokenizer.ragged import shift_right
from zoo.export.tokenizer.subword_models import UNSEEN
from zoo.export.tokenizer.unicode_tables import CODE_POINTS


class CharacterPairs(BytePairs):
    """BPE model with byte fallback: a word is split into characters, those that are no token into their bytes.

    Args:
        vocabulary: the id of each word that is a token.
        characters: the id of each character that is a token.
        byte_ids: the 256 ids of bytes.
        merges: (left, right, merged) ids in the order learned.
        token_bytes: the bytes of each id that merges make or use, and of the ids of bytes.
    """

    def __init__(
        self,
        vocabulary: dict[bytes, int],
        characters: Mapping[str, int],
        byte_ids: list[int],
        merges: Sequence[tuple[int, int, int]],
        token_bytes: dict[int, bytes],
    ):
        super().__init__(vocabulary, byte_ids, list(merges), token_bytes)
        ids = np.full(CODE_POINTS, UNSEEN, np.int32)
        for character, id in characters.items():
            ids[ord(character)] = id
        self.characters = CodePointTable(ids)

    def symbols(self, words: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """As `BytePairs.symbols`: at the first byte of a character that is a token its id, else the id of each byte."""
        first = tf.bitwise.bitwise_and(values, 0xC0) != 0x80  # not a continuation byte of UTF-8
        points = tf.strings.unicode_decode(tf.strings.reduce_join(words), "UTF-8")
        ids = tf.gather(tf.cast(self.characters(points), tf.int64), tf.cumsum(tf.cast(first, tf.int64)) - 1)
        return tf.where(ids == UNSEEN, tf.gather(self.byte_ids, values), ids), first | (ids == UNSEEN)


class TextSplit(tf.Module):
    """Pre-tokenization of SentencePiece's BPE: a text is one word, or each "▁" begins a word.

    Args:
        mark: the code point that begins a word; None for whole texts.
    """

    def __init__(self, mark: int | None = None):
        super().__init__()
        self.mark = mark

    def __call__(self, points: tf.Tensor, rows: tf.Tensor, isolated: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether each character begins a word, and whether it belongs to a word (always), (n,) bool both."""
        starts = rows != shift_right(rows, -1)
        if self.mark is not None:
            starts |= points == self.mark
        return starts, tf.ones_like(isolated)
