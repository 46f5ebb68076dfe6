"""Word vectors of a vocabulary: the contract of their sources, and how a word is looked up in one.

A word has the vector of the same word, else of its lower-case form (Lample 2016, https://aclanthology.org/N16-1030, in
its code), else of the first word of the source that differs in case only; sources list frequent words first.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SAME, LOWER_CASE, OTHER_CASE, NONE = range(4)  # how a word of the source equals a word of the vocabulary


@dataclass(frozen=True)
class WordVectors:
    """The vectors of a vocabulary: a row for each of its words, zeros where a word has no vector."""

    matrix: np.ndarray  # (words, width) float32
    covered: np.ndarray  # (words,) booleans: words of the source
    by_subwords: np.ndarray  # (words,) booleans: other words, whose vectors are means of the vectors of their parts

    @property
    def known(self) -> np.ndarray:
        """(words,) booleans: whether a word has a vector."""
        return self.covered | self.by_subwords


class VectorSource(ABC):
    """A file or folder of word vectors, of which only the vectors of a vocabulary are in memory."""

    width: int  # dimensions of a vector

    @abstractmethod
    def words(self) -> Iterator[str]:
        """Yield the words of the source in its order, as a rule the most frequent ones first."""

    @abstractmethod
    def read(self, words: Sequence[str]) -> WordVectors:
        """Read the vectors of a vocabulary. Raises UserError where the file is damaged."""


class WordLookup:
    """The words of a source that are those of a vocabulary, the best match for each.

    Args:
        words: the vocabulary.
    """

    def __init__(self, words: Sequence[str]):
        self.vocabulary = list(words)
        self.match = np.full(len(words), NONE)
        self._indices: dict[str, list[int]] = {}
        for i, word in enumerate(words):
            self._indices.setdefault(word.lower(), []).append(i)

    def improved(self, word: str) -> list[int]:
        """Indices of the vocabulary for which a word of the source is a better match than all words before it."""
        lower_case = word.lower()
        return [i for i in self._indices.get(lower_case, ()) if self._improve(i, word, lower_case)]

    def _improve(self, i, word, lower_case):
        match = SAME if word == self.vocabulary[i] else LOWER_CASE if word == lower_case else OTHER_CASE
        better = match < self.match[i]
        if better:
            self.match[i] = match
        return better

    @property
    def covered(self) -> np.ndarray:
        """(words,) booleans: words of the vocabulary with a match."""
        return self.match < NONE
