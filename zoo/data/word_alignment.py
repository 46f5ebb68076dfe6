"""Words of a text and the pieces that a tokenizer makes of them.

A tokenizer is given words with one blank between each two, whether they come from a file or from a person's text: so it
sees the same while training and after. Words of a text are those of `zoo.text.splitting.WORDS`: letters and digits
with apostrophes inside; each other sign, and each Chinese or Japanese character, alone.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from tokenizers import Regex, pre_tokenizers

from zoo.text.splitting import WORDS
from zoo.text.unicode import as_text

NOWHERE = -1  # in place of a piece, for a word of which the tokenizer makes nothing


@dataclass(frozen=True, eq=False)
class WordAlignment:
    """What a tokenizer makes of one text's words."""

    ids: np.ndarray  # (pieces,) int32, without special tokens
    first: np.ndarray  # (words,) int32: each word's first piece, or `NOWHERE`


def split_words(text):
    """[(word, first character, past-the-last character)] of a text."""
    return [(word, *span) for word, span in _splitter().pre_tokenize_str(as_text(text))]


@cache
def _splitter():
    return pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)


def place(words):
    """(first, past-the-last) character of each of a list of words where one blank stands between each two: (n, 2)."""
    ends = np.cumsum([len(word) + 1 for word in words], dtype="int64") - 1
    return np.stack([ends - [len(word) for word in words], ends], axis=1) if words else np.zeros((0, 2), "int64")


def windows(count, room):
    """Slices that cut `count` ids into windows of at most `room`, one after another; at least one."""
    return [slice(start, min(start + room, count)) for start in range(0, max(count, 1), room)]


def encode(sentences, tokenizer):
    """`WordAlignment` of each of a list of lists of words.

    A word's first piece is the first one that reaches into it (Devlin 2018, section 5.3, arXiv:1810.04805).
    """
    encodings = tokenizer.encode_batch([" ".join(words) for words in sentences], special=False)
    return [
        WordAlignment(one.ids, _first(one.offsets, place(words)))
        for words, one in zip(sentences, encodings, strict=True)
    ]


def _first(offsets, places):
    """The first piece of each word, given the characters of pieces and words."""
    if not len(offsets):
        return np.full(len(places), NOWHERE, "int32")
    found = np.searchsorted(np.maximum.accumulate(offsets[:, 1]), places[:, 0], side="right")
    starts = offsets[np.minimum(found, len(offsets) - 1), 0]
    reaches = (found < len(offsets)) & (starts < places[:, 1])
    return np.where(reaches, found, NOWHERE).astype("int32")
