"""A random sample of records of bounded memory, by reservoir sampling (Vitter 1985, doi:10.1145/3147.3165)."""

import random
import sys
from collections.abc import Iterable
from typing import Any

MAX_RECORDS = 20_000  # of a sample
MAX_CHARACTERS = 2_000  # of a text of a record in a sample
MAX_WORDS = 400  # of a list of words or tags


class RecordSample:
    """A uniform random sample of the records added, the same for the same records.

    Long texts and lists of words are cut; fields of other lists, such as answers and messages, are left out.

    Args:
        records: to add at first.
        size: most records of the sample.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = (), size: int = MAX_RECORDS) -> None:
        self.records: list[dict[str, Any]] = []
        self.total = 0  # records added
        self._size, self._random = size, random.Random(0)
        for record in records:
            self.add(record)

    def add(self, record: dict[str, Any]) -> None:
        """Add a record, which takes a random place in the sample or is left out."""
        self.total += 1
        if len(self.records) < self._size:
            self.records.append(_cut(record))
        elif (index := self._random.randrange(self.total)) < self._size:
            self.records[index] = _cut(record)

    @property
    def suffix(self) -> str:
        """For the name of what is fitted on the sample: its size, where it lacks records."""
        return f" on {len(self.records):,} of {self.total:,} records" if len(self.records) < self.total else ""


def _cut(record):
    """The record without long texts."""
    cut = {}
    for field, value in record.items():
        if isinstance(value, str):
            cut[field] = value[:MAX_CHARACTERS]
        elif not isinstance(value, list | tuple):
            cut[field] = value
        elif all(isinstance(word, str) for word in value):
            cut[field] = [sys.intern(str(word)) for word in value[:MAX_WORDS]]  # one copy of each word
    return cut
