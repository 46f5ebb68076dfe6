"""Detokenizer inside a graph: ids to strings."""

import json
import re

import tensorflow as tf

from zoo.export.tokenizer.ragged import shift_right
from zoo.runtime.errors import UserError
from zoo.text.clean_up import REPLACEMENTS
from zoo.text.token_bytes import BYTE_TOKEN
from zoo.text.tokenizer import Tokenizer

EXACT = ("ByteLevel", "WordPiece", "Fuse", "Metaspace")  # decoders for which only the first token's text differs
BYTE_FALLBACK = (  # the decoder of SentencePiece's BPE, as Llama 2 has it
    {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0},
)
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
        decoder = json.loads(tokenizer.backend.to_str())["decoder"]
        steps = tuple(decoder.get("decoders", ())) if decoder else ()
        if decoder and decoder["type"] not in EXACT and steps not in (BYTE_FALLBACK, BYTE_FALLBACK[:-1]):
            names = ", ".join([decoder["type"], *(step["type"] for step in steps)])
            raise UserError(f"This tokenizer has no exact way back to text in TensorFlow: its decoder is {names}.")
        unused = [b""] * (vocabulary - tokenizer.vocabulary_size)
        self.clean_up = bool(tokenizer.settings and tokenizer.settings.clean_up)
        self.first, self.later = (tf.constant([*column, *unused]) for column in tokenizer.token_bytes)
        self.strip = BYTE_FALLBACK[-1] in steps
        names = [tokenizer.token(id) or "" for id in range(vocabulary)] if steps else []
        self.is_byte = tf.constant([bool(BYTE_TOKEN.fullmatch(name)) for name in names]) if steps else None

    @tf.autograph.experimental.do_not_convert
    def __call__(self, ids: tf.Tensor, lengths: tf.Tensor, prompts: tf.Tensor) -> tf.Tensor:
        """The text of each row, (rows,) strings.

        `ids` is (rows, time) with `lengths`, (rows,), valid ids each; `prompts`, (rows, any time), precede.
        """
        valid = tf.sequence_mask(lengths, tf.shape(ids)[1]) & self._has_text(ids)
        continues = tf.reduce_any(self._has_text(prompts), axis=1)
        join = self._join if self.is_byte is None else self._join_byte_runs
        text = tf.strings.regex_replace(join(ids, valid, continues), INCOMPLETE, "")
        for old, new in REPLACEMENTS if self.clean_up else ():
            text = tf.strings.regex_replace(text, re.escape(old), new)
        return text

    def _join(self, ids, valid, continues):
        """The texts of the tokens of each row, one after another; a broken part of UTF-8 becomes U+FFFD."""
        first = valid & (tf.cumsum(tf.cast(valid, tf.int32), axis=1) == 1) & ~continues[:, None]
        later = tf.where(valid, tf.gather(self.later, ids), "")
        text = tf.strings.reduce_join(tf.where(first, tf.gather(self.first, ids), later), axis=1)
        points = tf.strings.unicode_decode(text, "UTF-8", errors="replace")
        return tf.strings.unicode_encode(points, "UTF-8")

    def _join_byte_runs(self, ids, valid, continues):
        """As `_join`, where each byte of a run of byte tokens that is not UTF-8 becomes U+FFFD (ByteFallback)."""
        row_count, rows = tf.shape(ids, tf.int64)[0], tf.where(valid)[:, 0]
        ids = tf.boolean_mask(ids, valid)
        byte = tf.gather(self.is_byte, ids)
        starts = ~byte | ~shift_right(byte, False) | (rows != shift_right(rows, -1))
        run = tf.cumsum(tf.cast(starts, tf.int64)) - 1
        run_rows = tf.boolean_mask(rows, starts)
        texts = tf.strings.unsorted_segment_join(tf.gather(self.later, ids), run, tf.size(run_rows, tf.int64))
        repaired = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.where(repaired == texts, texts, tf.strings.regex_replace(texts, r"\C", "\ufffd"))
        text = tf.strings.unsorted_segment_join(texts, run_rows, row_count)
        return tf.where(continues, text, tf.strings.regex_replace(text, "^ ", "")) if self.strip else text

    def _has_text(self, ids):
        return tf.gather(self.later, ids) != ""
