"""Data check: statistics of a dataset with duplicates, overlap of splits, empty texts, scripts and likely mistakes."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zoo.data.column_guess import is_number
from zoo.data.dataset import Dataset
from zoo.data.statistics import TEXTS, TEXTS_OF_TURNS, DataStatistics, StatisticsCollector

RARE = 10  # rows: a label with fewer is rare
SAMPLE = 500  # records whose scripts are counted, and whose texts may be numbers
UNIQUE = 0.5  # share of distinct labels among the rows from which a label looks like an id
NUMERIC = 0.9  # share of numbers among texts, or labels, from which a column is numeric
DISTINCT = 20  # distinct numeric labels from which they are numbers rather than classes


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """What a check of a dataset finds."""

    statistics: DataStatistics
    rare_labels: Mapping[str, Mapping[str, int]]  # by field: labels with fewer than `RARE` rows
    duplicates: Mapping[str, int]  # by split: rows whose texts an earlier row of the split has
    shared: Mapping[str, int]  # by split other than train: rows whose texts the training split has
    empty: Mapping[str, int]  # by field: empty texts
    scripts: Mapping[str, float]  # writing systems of the first texts: share of the letters
    mistakes: tuple[str, ...]  # likely mistakes, a sentence each
    sample: tuple[dict[str, Any], ...]  # the first records

    def to_json(self) -> dict[str, Any]:
        """All but the sample, as values that JSON can hold."""
        return {name: value for name, value in asdict(self).items() if name != "sample"}


def check_data(dataset: Dataset) -> DataCheck:
    """Check a dataset in one pass over its sources. Raises UserError for a row that is not as expected."""
    statistics, texts, labels, sample = StatisticsCollector(), _TextChecks(), _LabelChecks(), []
    for split, _, record in dataset.visit():
        statistics.add(split, record)
        texts.add(split, record)
        labels.add(split, record)
        if len(sample) < SAMPLE:
            sample.append(record)
    total = statistics.statistics()
    classes = {field: counts for field, counts in total.label_counts.items() if not are_numbers(counts)}
    return DataCheck(
        statistics=total,
        rare_labels={field: rare for field, counts in classes.items() if (rare := _rare(counts))},
        duplicates=dict(texts.duplicates),
        shared=texts.shared(),
        empty=dict(texts.empty),
        scripts=_scripts(sample),
        mistakes=(*labels.mistakes(total, classes), *texts.mistakes(), *_numeric_texts(sample)),
        sample=tuple(sample),
    )


def are_numbers(counts: Mapping[str, int]) -> bool:
    """Whether labels are numbers on a scale, as for `score_pair`, rather than classes."""
    return len(counts) > DISTINCT and sum(map(is_number, counts)) >= NUMERIC * len(counts)


class _TextChecks:
    """Counts duplicates, rows that splits share, conflicting labels and empty texts, by a hash of each row."""

    def __init__(self):
        self.duplicates, self.empty, self.conflicts = Counter(), Counter(), 0
        self._hashes, self._labels = {}, {}  # {split: Counter of hashes}, {hash: hash of the first label}

    def add(self, split, record):
        texts = {field: record[field] for field in (*TEXTS, *TEXTS_OF_TURNS) if field in record}
        for field, text in texts.items():
            self.empty[field] += not text or (isinstance(text, str) and not text.strip())
        if not texts:
            return
        key, hashes = _hash(texts), self._hashes.setdefault(split, Counter())
        self.duplicates[split] += key in hashes
        hashes[key] += 1
        label = _hash([record.get(field) for field in ("label", "labels", "tags")])
        self.conflicts += self._labels.setdefault(key, label) != label

    def shared(self):
        train = self._hashes.get("train", ())
        others = {split: hashes for split, hashes in self._hashes.items() if split != "train"}
        return {split: sum(n for key, n in hashes.items() if key in train) for split, hashes in others.items()}

    def mistakes(self):
        if self.conflicts:
            yield f"{self.conflicts} rows have the text of an earlier row and another label."


class _LabelChecks:
    """Collects the labels of all splits."""

    def __init__(self):
        self._splits = {}  # {split: labels}

    def add(self, split, record):
        if "label" in record:
            self._splits.setdefault(split, set()).add(record["label"])

    def mistakes(self, statistics, classes) -> Iterator[str]:
        for field, counts in classes.items():
            yield from _similar(field, counts)
        counts = classes.get("label", {})
        rows = sum(counts.values())
        if rows >= DISTINCT and len(counts) > UNIQUE * rows:
            yield f"label has {len(counts)} different values in {rows} rows: is it an id or a text?"
        if len(counts) == 1:
            yield f"label has one value only: {next(iter(counts))!r}."
        for split, labels in self._splits.items():
            unknown = sorted(labels - counts.keys())
            if unknown and counts and "train" in statistics.rows:
                listed = ", ".join(map(repr, unknown[:5]))
                yield f"{split} has {len(unknown)} labels that the training split lacks: {listed}."


def _similar(field, counts):
    """Yield a sentence for labels that differ only in case or blanks."""
    groups = {}
    for label in counts:
        groups.setdefault(" ".join(label.split()).casefold(), []).append(label)
    for labels in groups.values():
        if len(labels) > 1:
            listed = ", ".join(f"{label!r} ({counts[label]})" for label in labels)
            yield f"Values of {field} differ only in case or blanks: {listed}."


def _numeric_texts(sample):
    for field in TEXTS:
        texts = [record[field] for record in sample if isinstance(record.get(field), str)]
        if len(texts) >= RARE and sum(map(is_number, texts)) >= NUMERIC * len(texts):
            yield f"{field} holds numbers, such as {texts[0]!r}: is it the right column?"


def _rare(counts):
    return {label: count for label, count in counts.items() if count < RARE}


def _hash(value):
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _scripts(sample):
    """{writing system: share of the letters}, by the first word of a letter's Unicode name, the most frequent first."""
    counts = Counter()
    for record in sample:
        for field in (*TEXTS, *TEXTS_OF_TURNS):
            value = record.get(field, "")
            text = value if isinstance(value, str) else repr(value) if field == "messages" else " ".join(value)
            counts.update(character for character in text if character.isalpha())
    scripts = Counter()
    for character, count in counts.items():
        name = unicodedata.name(character, "")
        if any(word in name for word in ("LETTER", "IDEOGRAPH", "SYLLABLE")):
            scripts[name.split()[0].capitalize()] += count
    return {script: round(count / scripts.total(), 4) for script, count in scripts.most_common()}
