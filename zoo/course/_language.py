"""A small synthetic language: pairs of sentences with topics, agreement and ambiguous words, as token ids.

A sentence is "the [adjective] subject verb the [adjective] object". The object is a noun of the topic, and so is the
subject, unless it is ambiguous: ambiguous words are adjectives before a noun, and nouns before a verb. Each noun has
its verb. The second sentence of a text follows the first where both have one topic.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zoo.course._objective_training import Arrays
from zoo.data.masking import Masking

START, END, MASK, THE, FIRST = 1, 2, 3, 4, 5  # ids of special tokens, of "the", and of the first content word
NONE, DETERMINER, ADJECTIVE, NOUN, VERB = range(5)  # parts of speech; none: special tokens
TIME = 17  # ids of a text: start, sentence, end, sentence, end


class Texts(NamedTuple):
    """Texts of two sentences each."""

    tokens: np.ndarray  # (rows, TIME) ids; 0 is padding
    tags: np.ndarray  # (rows, TIME) parts of speech
    topic: np.ndarray  # (rows,) of the first sentence
    follows: np.ndarray  # (rows,) whether the second sentence has the topic of the first, 0 or 1


@dataclass(frozen=True)
class Language:
    """The sizes of the vocabulary; ids are adjectives, ambiguous words, verbs, then the nouns of each topic."""

    topics: int = 4
    nouns: int = 6  # of a topic
    words: int = 6  # adjectives, and ambiguous words, and verbs
    ambiguous: float = 0.5  # share of ambiguous words among adjectives and subjects
    partners: bool = False  # a noun that is the subject decides the object

    @property
    def vocabulary(self) -> int:
        """Token ids, with special tokens and padding."""
        return FIRST + 3 * self.words + self.topics * self.nouns

    def is_ambiguous(self, tokens: np.ndarray) -> np.ndarray:
        """Whether each id is an ambiguous word."""
        return (tokens >= FIRST + self.words) & (tokens < FIRST + 2 * self.words)

    def texts(self, count: int, random: np.random.Generator, follows: float = 1.0) -> Texts:
        """`count` texts, of which a share of `follows` has one topic."""
        tokens, tags = np.zeros((2, count, TIME), "int32")
        first = random.integers(0, self.topics, count)
        same = random.random(count) < follows
        second = np.where(same, first, (first + random.integers(1, self.topics, count)) % self.topics)
        for row, topics in enumerate(zip(first, second, strict=True)):
            text = [(START, NONE)]
            for topic in topics:
                text += [*self._sentence(topic, random), (END, NONE)]
            tokens[row, : len(text)], tags[row, : len(text)] = zip(*text, strict=True)
        return Texts(tokens, tags, first, same.astype("int32"))

    def balanced_texts(self, count: int, random: np.random.Generator) -> Texts:
        """`count` texts with one topic each, in an order in which any first ones have as many of each topic."""
        texts = self.texts(2 * count, random)
        numbers = np.zeros(len(texts.topic), int)  # of each text among those of its topic
        for topic in range(self.topics):
            numbers[texts.topic == topic] = np.arange((texts.topic == topic).sum())
        order = np.argsort(numbers, kind="stable")[:count]
        return Texts(*(array[order] for array in texts))

    def _sentence(self, topic, random):
        """[(id, part of speech)] of a sentence."""
        is_ambiguous, noun = random.random() < self.ambiguous, random.integers(self.nouns)
        verb = random.integers(self.words) if is_ambiguous else noun % self.words
        subject = self._ambiguous(random) if is_ambiguous else self._noun(topic, noun)
        partner = (noun + 1) % self.nouns if self.partners and not is_ambiguous else random.integers(self.nouns)
        return [
            *self._determiner(random),
            (subject, NOUN),
            (FIRST + 2 * self.words + verb, VERB),
            *self._determiner(random),
            (self._noun(topic, partner), NOUN),
        ]

    def _determiner(self, random):
        """The determiner, with an adjective in half of the cases."""
        if random.random() < 0.5:
            return [(THE, DETERMINER)]
        is_ambiguous = random.random() < self.ambiguous
        adjective = self._ambiguous(random) if is_ambiguous else FIRST + random.integers(self.words)
        return [(THE, DETERMINER), (adjective, ADJECTIVE)]

    def _ambiguous(self, random):
        return FIRST + self.words + random.integers(self.words)

    def _noun(self, topic, number):
        return FIRST + 3 * self.words + topic * self.nouns + number


def masked_arrays(
    tokens: np.ndarray, language: Language, random: np.random.Generator, mask_rate: float = 0.15
) -> Arrays:
    """The examples of masked language modelling of (rows, TIME) ids."""
    batch = {
        "tokens": tokens,
        "word_ids": np.where(tokens > START, np.arange(TIME), -1),
        "mask_token_and_size": np.tile([MASK, language.vocabulary], (len(tokens), 1)),
    }
    return Arrays(*Masking(mask_rate=mask_rate).mask(batch, random))
