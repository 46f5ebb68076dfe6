"""Dataset statistics: rows by split, percentiles of lengths in words and characters, label counts; in one pass."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from zoo.data.dataset import Dataset
from zoo.data.fields import FIELDS
from zoo.data.word_alignment import split_words

TEXTS = ("text", "text_pair", "tokens", "context", "question", "source", "target")
TEXTS_OF_TURNS = ("instruction", "input", "output", "messages")
LABELS = ("label", "labels", "tags")


@dataclass(frozen=True)
class LengthPercentiles:
    """Percentiles of the lengths of texts, by the nearest rank: each is the length of one of the texts."""

    median: int
    p95: int  # 95th percentile
    longest: int


@dataclass(frozen=True, kw_only=True)
class DataStatistics:
    """Statistics of a dataset: rows, fields, lengths and labels.

    Lengths are those of all splits; words are those of `zoo.data.word_alignment.split_words`, so a punctuation mark and
    a Chinese character count as one each. Labels are those of the training split or, without one, of the first split.
    """

    rows: Mapping[str, int]  # by split
    fields: tuple[str, ...]  # standard fields that at least one record has, in the order of `zoo.data.fields.FIELDS`
    words: Mapping[str, LengthPercentiles]  # by field: lengths of its texts in words
    characters: Mapping[str, LengthPercentiles]  # by field: lengths of its texts in characters
    label_counts: Mapping[str, Mapping[str, int]]  # by field (label, labels, tags): rows, or tokens, of each label

    @property
    def total(self) -> int:
        """The number of rows of all splits."""
        return sum(self.rows.values())


class StatisticsCollector:
    """Collects the statistics of records one by one; memory grows with distinct lengths and labels, not with rows."""

    def __init__(self) -> None:
        self._rows, self._fields = Counter(), set()
        self._words, self._characters = {}, {}
        self._labels = {}  # {split: {field: counts}}

    def add(self, split: str, record: Mapping[str, Any]) -> None:
        """Take one record of a split into account."""
        self._rows[split] += 1
        self._fields.update(record)
        for field in (*TEXTS, *TEXTS_OF_TURNS):
            if field in record:
                words, characters = _lengths(record[field])
                self._words.setdefault(field, Counter())[words] += 1
                self._characters.setdefault(field, Counter())[characters] += 1
        counts = self._labels.setdefault(split, {})
        for field in LABELS:
            if field in record:
                labels = record[field]
                counts.setdefault(field, Counter()).update((labels,) if isinstance(labels, str) else labels)

    def statistics(self) -> DataStatistics:
        """The statistics of the records so far."""
        split = "train" if "train" in self._labels else next(iter(self._labels), "")
        return DataStatistics(
            rows=dict(self._rows),
            fields=tuple(field for field in FIELDS if field in self._fields),
            words={field: _percentiles(counts) for field, counts in self._words.items()},
            characters={field: _percentiles(counts) for field, counts in self._characters.items()},
            label_counts={field: dict(counts.most_common()) for field, counts in self._labels.get(split, {}).items()},
        )


def statistics_of(dataset: Dataset) -> DataStatistics:
    """The statistics of a dataset, in one pass over its sources. Raises UserError for a row that is not as expected."""
    collector = StatisticsCollector()
    for split, _, record in dataset.visit():
        collector.add(split, record)
    return collector.statistics()


def _lengths(value):
    """(words, characters) of a text, of a list of words, or of all turns of a conversation."""
    if isinstance(value, str):
        return len(split_words(value)), len(value)
    if value and isinstance(value[0], dict):
        turns = [_lengths(message["content"]) for message in value]
        return sum(words for words, _ in turns), sum(characters for _, characters in turns)
    return len(value), sum(map(len, value)) + max(len(value) - 1, 0)


def _percentiles(counts):
    lengths = sorted(counts)
    ranks = list(accumulate(counts[length] for length in lengths))
    total = ranks[-1]
    at = {share: next(i for i, rank in enumerate(ranks) if rank >= share * total) for share in (0.5, 0.95)}
    return LengthPercentiles(lengths[at[0.5]], lengths[at[0.95]], lengths[-1])
