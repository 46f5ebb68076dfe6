"""Synthetic sequence tasks: tagging, generation and translation, from a source to a target of the same length.

Words are ids from `FIRST` on.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

START, FIRST = 1, 2  # id of the start token, and of the first word; padding is 0


class Texts(NamedTuple):
    """Sources and targets, (rows, length) ids."""

    source: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class Task(ABC):
    """A task with texts of `length` words."""

    length: int

    vocabulary: ClassVar[int]  # ids of words, the start token and padding
    temperature: ClassVar[float] = 0.0  # of answers: 0 where one answer is right, above 0 to sample them

    @abstractmethod
    def texts(self, count: int, random: np.random.Generator) -> Texts:
        """Sources with a right answer each."""

    @abstractmethod
    def score(self, texts: Texts, answers: np.ndarray) -> float:
        """The share of (rows, length) answers that are right, from 0 to 1."""


class Tagging(Task):
    """An ambiguous word has the tag that the next word does not have; all other words have one tag each."""

    words: ClassVar[int] = 6  # of each kind: first tag, second tag, ambiguous
    vocabulary = FIRST + 2 + 3 * words  # two ids are the tags

    def texts(self, count, random):
        tags, ambiguous = random.integers(0, 2, (count, self.length)), random.random((count, self.length)) < 0.5
        ambiguous[:, -1] = False  # no word follows
        for i in reversed(range(self.length - 1)):
            ambiguous[:, i] &= ~ambiguous[:, i + 1]
            tags[:, i] = np.where(ambiguous[:, i], 1 - tags[:, i + 1], tags[:, i])
        kind = np.where(ambiguous, 2, tags)
        return Texts(FIRST + 2 + self.words * kind + random.integers(0, self.words, kind.shape), FIRST + tags)

    def score(self, texts, answers):
        ambiguous = texts.source >= FIRST + 2 + 2 * self.words
        return float((answers == texts.target)[ambiguous].mean())


class Generation(Task):
    """Pairs of words: a first word of the text's topic, then the second word that belongs to the first."""

    topics, words = 3, 6  # words: first words of a topic
    vocabulary, temperature = FIRST + 2 * topics * words, 1.0

    def texts(self, count, random):
        topic = random.integers(0, self.topics, (count, 1))
        first = topic * self.words + random.integers(0, self.words, (count, self.length))
        pairs = FIRST + np.stack([first, first + self.topics * self.words], axis=2).reshape(count, -1)
        return Texts(pairs[:, : self.length], pairs[:, self.length :])

    def score(self, texts, answers):
        """A pair is right where its words belong together, and to the topic of the source."""
        first, second = answers[:, ::2] - FIRST, answers[:, 1::2] - FIRST
        topic = (texts.source[:, :1] - FIRST) // self.words
        return float(((first // self.words == topic) & (second == first + self.topics * self.words)).mean())


class Translation(Task):
    """Word for word in reverse order, in one of two dialects; a sentence never mixes them."""

    words: ClassVar[int] = 12  # of the source
    vocabulary = FIRST + 3 * words

    def texts(self, count, random):
        words = random.integers(0, self.words, (count, self.length))
        return Texts(FIRST + words, self._translate(words, random.integers(1, 3, (count, 1))))

    def score(self, texts, answers):
        """A sentence is right where it is the translation into either dialect."""
        right = [(answers == self._translate(texts.source - FIRST, dialect)).all(axis=1) for dialect in (1, 2)]
        return float(np.logical_or(*right).mean())

    def _translate(self, words, dialect):
        return FIRST + dialect * self.words + words[:, ::-1]


TASKS = {"tagging": Tagging, "generation": Generation, "translation": Translation}
