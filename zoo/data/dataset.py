"""A dataset: records by split, streamed from their sources, and a fingerprint of their content."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice, repeat
from typing import Any

from zoo.data.column_report import SAMPLE, SourceColumns
from zoo.data.derived_splits import BLOCK, split_at_end, splits_of_block
from zoo.data.fields import columns_of
from zoo.data.read_ahead import ReadAhead
from zoo.data.record_mapper import RecordMapper, fields_of
from zoo.data.row_report import RowReport
from zoo.readers import Source
from zoo.runtime.errors import RowError, UserError


@dataclass(frozen=True)
class View:
    """A split: all records of a source, or those that derived splits assign to `roles`."""

    source: Source
    roles: tuple[str, ...] = ()  # of "train", "validation", "test"; empty: all records


class Dataset:
    """Records by split, made by `open_dataset`; every call of `records` streams the source from its start."""

    def __init__(
        self,
        spec: str,
        views: Mapping[str, View],
        columns: Mapping[str, str] | None = None,
        seed: int = 0,
        errors: str = "strict",
        required: Collection[str] = (),
        split_strategy: str = "spread",
        optional: Collection[str] | None = None,
        skip_invalid: bool = False,
        check: Callable[[str, dict], None] | None = None,
    ):
        self.spec, self.columns, self.seed, self.errors = spec, dict(columns or {}), seed, errors
        self.required, self.split_strategy = tuple(required), split_strategy
        self.fields, self.skip_invalid = fields_of(required, optional), skip_invalid
        self._mapper = RecordMapper(self.columns, self.required, skip_invalid, check)
        self._views = views
        self._readers = {id(view.source): ReadAhead(view.source) for view in views.values()}
        self._source_columns: dict[int, SourceColumns] = {}
        self._reported = set()  # splits whose `RowReport` was printed

    def __repr__(self) -> str:
        return f"Dataset({self.spec!r}, splits={self.splits})"

    @property
    def splits(self) -> tuple[str, ...]:
        """Names among "train", "validation" and "test"."""
        return tuple(self._views)

    @property
    def derived_splits(self) -> tuple[str, ...]:
        """Those of `splits` that were split off from the training records."""
        return tuple(split for split, view in self._views.items() if view.roles and split != "train")

    def records(self, split: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a split. Raises UserError, with file and line, for a row that is not as expected."""
        return (record for _, record in self.located_records(split))

    def located_records(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (location, record): `records` with the location of each row, for messages."""
        return ((location, record) for _, location, record in self.visit((split,)))

    def rows_and_records(self, split: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield (row, record): `records` with the row, {column: value}, of which each record was made."""
        view = self._view(split)
        columns = self._columns_of(view.source)
        for _, location, row in self._rows(view.source, {split: view}):
            record = self._mapper.record(columns, row, location, RowReport())
            if record is not None and not isinstance(row, RowError):
                yield row, record

    def visit(self, splits: Collection[str] | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (split, location, record) of several splits, by default of all, in one pass over each source.

        Splits of one source, such as derived ones, come interleaved. Answers that are not at their offset in the
        context are dropped, and questions without another answer; spans become tokens and tags; with `skip_invalid`,
        rows that cannot be used are left out. After the first complete pass over a split a message counts all of these.
        Where answers are not required, none is dropped.
        """
        views = {split: self._view(split) for split in (self.splits if splits is None else splits)}
        reports = {split: RowReport() for split in views}
        for source in {id(view.source): view.source for view in views.values()}.values():
            columns = self._columns_of(source)
            views_of_source = {split: view for split, view in views.items() if view.source is source}
            for split, location, row in self._rows(source, views_of_source):
                record = self._mapper.record(columns, row, location, reports[split])
                if record is not None:
                    yield split, location, record
            for split in views_of_source.keys() - self._reported:
                self._reported.add(split)
                reports[split].report(self.describe(split))

    def _rows(self, source, views):
        """Yield (split, location, row) of the rows of a source that belong to the splits `views`."""
        roles = {role: split for split, view in views.items() for role in view.roles}
        complete = [split for split, view in views.items() if not view.roles]  # splits that are a complete source
        assignment = self._assignment(source) if roles else None
        for location, row in self._readers[id(source)].rows():
            split = roles.get(next(assignment)) if assignment else complete[0]
            if split:
                yield split, location, row

    def _assignment(self, source):
        """The derived split of each row, in order."""
        if self.split_strategy == "spread":
            return (split for block in count() for split in splits_of_block(self.seed, block))
        total = self._readers[id(source)].count()
        return (split_at_end(index, total) for index in count())

    def fingerprint(self, split: str) -> str:
        """A hash that changes with the content of a split or with how it is read."""
        view = self._view(split)
        digest = self._readers[id(view.source)].digest()
        names = columns_of(self.columns, view.source.columns, self.fields)
        settings = [digest, view.roles, sorted(names.items()), self.errors, self.fields]
        settings.append([self.seed, self.split_strategy] if view.roles else None)
        settings.append(self.skip_invalid)
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()

    def describe(self, split: str) -> str:
        """The source of a split, and how it was derived, for messages."""
        view = self._view(split)
        if not view.roles:
            return view.source.description
        derived = f"derived with seed {self.seed}" if self.split_strategy == "spread" else "derived from its end"
        return f"{view.source.description} ({split} split, {derived})"

    def check(self) -> None:
        """Read the first record of every split, to find mistakes before any work. Raises UserError."""
        for split in self.splits:
            if not self._has_record(split):
                raise UserError(self._no_records(split))
        for source in self._sources():
            self._columns_of(source).report()

    def _sources(self):
        return {id(view.source): view.source for view in self._views.values()}.values()

    def _columns_of(self, source) -> SourceColumns:
        """How the columns of a source are read, by its first rows, which `check` is the first to read."""
        if id(source) not in self._source_columns:
            with closing(self._readers[id(source)].ahead()) as ahead:
                rows = [row for _, row in islice(ahead, SAMPLE) if not isinstance(row, RowError)]
            names = columns_of(self.columns, source.columns, self.fields)
            columns = SourceColumns(source, rows, names, self.columns, self.fields)
            self._source_columns[id(source)] = columns
        return self._source_columns[id(source)]

    def _has_record(self, split):
        view = self._views[split]
        if view.roles and self.split_strategy == "end":
            total = self._readers[id(view.source)].count()
            if split != "train":  # the same rows as those of the training split: the last one need not be read
                return any(split_at_end(index, total) in view.roles for index in range(total * 8 // BLOCK, total))
        with closing(self._readers[id(view.source)].ahead()) as rows:
            assignment = self._assignment(view.source) if view.roles else repeat("")
            columns = self._columns_of(view.source)
            pairs = zip(rows, assignment, strict=False)
            rows_of_split = (row for row, role in pairs if role in view.roles or not role)
            report = RowReport()
            records = (self._mapper.record(columns, row, location, report) for location, row in rows_of_split)
            has_record = any(record is not None for record in records)
        if not has_record:
            report.report(self.describe(split))
        return has_record

    def _no_records(self, split):
        view = self._views[split]
        rows: Any = view.source.rows()
        with closing(rows):
            empty = next(rows, None) is None
        if view.roles and not empty:
            return (
                f"Expected at least {BLOCK} records to derive the {split} split from, in {view.source.description}. "
                "Give a folder with train, validation and test files instead."
            )
        none = "none that can be used" if self.skip_invalid else "none with an answer in its context"
        reason = "an empty file, or one with nothing but a header" if empty else none
        return f"Expected records in {self.describe(split)}. Received: {reason}."

    def _view(self, split):
        if split not in self._views:
            raise UserError(
                f"Unknown split of {self.spec}. Received: split={split!r}. Known: {', '.join(self.splits)}."
            )
        return self._views[split]
