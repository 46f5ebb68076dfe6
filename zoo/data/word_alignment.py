"""Word alignment: the words of a text, and the first piece (token) of each word.

A tokenizer receives words with one blank between each two, whether they come from a file or from a person's text, so
that training and prediction tokenize alike. Words of a text are those of `zoo.text.splitting.WORDS`: letters and digits
with apostrophes inside; each other sign, and each Chinese or Japanese character, alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from tokenizers import Regex, pre_tokenizers

from zoo.text.splitting import WORDS
from zoo.text.tokenizer import Tokenizer
from zoo.text.unicode import as_text

NO_PIECE = -1  # index of the first piece of a word that the tokenizer drops


@dataclass(frozen=True, eq=False)
class WordAlignment:
    """The pieces of one text, and where its words begin among them."""

    ids: np.ndarray  # (pieces,) int32, without special tokens
    first: np.ndarray  # (words,) int32: index of each word's first piece, or `NO_PIECE`


def split_words(text: str) -> list[tuple[str, int, int]]:
    """[(word, first character, past-the-last character)] of a text."""
    return [(word, *span) for word, span in _splitter().pre_tokenize_str(as_text(text))]


@cache
def _splitter():
    return pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)


def word_offsets(words: Sequence[str]) -> np.ndarray:
    """(first, past-the-last) character of each word where one blank stands between each two: (words, 2) int64."""
    ends = np.cumsum([len(word) + 1 for word in words], dtype="int64") - 1
    return np.stack([ends - [len(word) for word in words], ends], axis=1) if words else np.zeros((0, 2), "int64")


def chunk_words(count: int, room: int) -> list[slice]:
    """Slices that cut `count` ids into chunks of at most `room`, in order; at least one."""
    return [slice(start, min(start + room, count)) for start in range(0, max(count, 1), room)]


def align_words(sentences: Iterable[Sequence[str]], tokenizer: Tokenizer) -> list[WordAlignment]:
    """The `WordAlignment` of each list of words.

    A word's first piece is the first one that overlaps it (Devlin 2018, section 5.3, arXiv:1810.04805).
    """
    sentences = list(sentences)
    encodings = tokenizer.encode_batch([" ".join(words) for words in sentences], special=False)
    return [
        WordAlignment(encoding.ids, _first_pieces(encoding.offsets, word_offsets(words)))
        for words, encoding in zip(sentences, encodings, strict=True)
    ]


def _first_pieces(offsets, words):
    """The first piece of each word, from the characters of (pieces, 2) pieces and of (words, 2) words."""
    if not len(offsets):
        return np.full(len(words), NO_PIECE, "int32")
    pieces = np.searchsorted(np.maximum.accumulate(offsets[:, 1]), words[:, 0], side="right")
    starts = offsets[np.minimum(pieces, len(offsets) - 1), 0]
    overlaps = (pieces < len(offsets)) & (starts < words[:, 1])
    return np.where(overlaps, pieces, NO_PIECE).astype("int32")
