"""A dataset whose splits are found or drawn: records by split, streamed, and a fingerprint of what lies behind them."""

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass

from zoo.data.answer_check import AnswerFilter
from zoo.data.fields import columns_of, to_record
from zoo.readers._reader import Source
from zoo.runtime.errors import UserError

BLOCK = 10  # of every ten records, one is drawn for validation and one for the test


@dataclass(frozen=True)
class View:
    """A part of a dataset and the share of its records that belongs to one split: the drawn roles it keeps."""

    source: Source
    roles: tuple[str, ...] = ()  # of "train", "validation", "test"; empty: all records


class Dataset:
    """Records by split. Made by `open_dataset`; every call of `records` starts anew and reads as it goes."""

    def __init__(self, spec, views, columns=None, seed=0, errors="strict", required=(), split_strategy="spread"):
        self.spec = spec
        self.split_strategy = split_strategy
        self._counts = {}  # part -> its rows, where splits are drawn from the end
        self.columns = dict(columns or {})
        self.seed = seed
        self.errors = errors
        self.required = tuple(required)
        self._views = views
        self._told = set()  # splits whose omissions people know of

    def __repr__(self):
        return f"Dataset({self.spec!r}, splits={self.splits})"

    @property
    def splits(self):
        """Names among "train", "validation" and "test"."""
        return tuple(self._views)

    @property
    def derived_splits(self):
        """Those of `splits` that were drawn from the training records."""
        return tuple(split for split, view in self._views.items() if view.roles and split != "train")

    def records(self, split):
        """Yields the records of a split. Raises UserError, with file and line, for a row that is not as expected."""
        return (record for _, record in self.located_records(split))

    def located_records(self, split):
        """Yields (place, record): as `records`, with where each one stands, for messages.

        Answers that do not stand in their context are left out, and questions with no other; the first whole pass over
        a split ends with a message that names them. Where answers are not needed, nothing is left out.
        """
        omissions, check = AnswerFilter(), not self.required or "answers" in self.required
        for place, record in self._all(split):
            kept = omissions.roles(record, place) if check else record
            if kept is not None:
                yield place, kept
        if split not in self._told:
            self._told.add(split)
            omissions.report(self.describe(split))

    def _all(self, split):
        view = self._view(split)
        names = columns_of(self.columns, view.source.columns)
        for index, (place, row) in enumerate(view.source.rows()):
            if not view.roles or self._role(view, index) in view.roles:
                yield place, to_record(row, place, names, self.columns, self.required)

    def _role(self, view, index):
        if self.split_strategy == "spread":
            return role(self.seed, index)
        source = view.source
        if id(source) not in self._counts:
            self._counts[id(source)] = sum(1 for _ in source.rows())
        return role_at_end(index, self._counts[id(source)])

    def fingerprint(self, split):
        """A hash that changes with the content of a split or with how it is read."""
        view = self._view(split)
        settings = [view.source.digest(), view.roles, sorted(self.columns.items()), self.errors]
        settings.append([self.seed, self.split_strategy] if view.roles else None)
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()

    def describe(self, split):
        """Where a split comes from, for messages."""
        view = self._view(split)
        how = f"with seed {self.seed}" if self.split_strategy == "spread" else "from its end"
        return f"{view.source.where} ({split} split, drawn {how})" if view.roles else view.source.where

    def check(self):
        """Reads the first record of every split, so that a mistake shows before any work. Raises UserError."""
        for split in self.splits:
            with closing(self.located_records(split)) as records:
                if next(records, None) is None:
                    raise UserError(self._nothing_in(split))

    def _nothing_in(self, split):
        view = self._views[split]
        with closing(view.source.rows()) as rows:
            empty = next(rows, None) is None
        if view.roles and not empty:
            return (
                f"Expected at least {BLOCK} records to draw the {split} split from, in {view.source.where}. "
                "Give a folder with train, validation and test files instead."
            )
        what = "an empty file, or one with nothing but a header" if empty else "none with an answer in its context"
        return f"Expected records in {self.describe(split)}. Received: {what}."

    def _view(self, split):
        if split not in self._views:
            raise UserError(
                f"Unknown split of {self.spec}. Received: split={split!r}. Known: {', '.join(self.splits)}."
            )
        return self._views[split]


def role_at_end(index, total):
    """The drawn split of a record of running text: the last tenth is for the test, the one before for validation."""
    return "train" if index < total * 8 // BLOCK else "validation" if index < total * 9 // BLOCK else "test"


def role(seed, index):
    """The drawn split of a record: in each block of ten, the seed's hash picks one for validation and one for the test.

    So shares are exact, a file need not be read twice, and records that come sorted are still spread over all splits.
    """
    digest = hashlib.blake2b(f"{seed}:{index // BLOCK}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    validation = number % BLOCK
    test = (validation + 1 + number // BLOCK % (BLOCK - 1)) % BLOCK
    return {validation: "validation", test: "test"}.get(index % BLOCK, "train")
