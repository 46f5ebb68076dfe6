"""Records of rows: columns mapped to fields and checked; labels, spans and answers in standard form."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from zoo.data import instruction_columns
from zoo.data.column_report import SourceColumns
from zoo.data.fields import FIELDS, LABELS, check_missing, check_record, to_record
from zoo.data.row_report import RowReport
from zoo.readers._reader import Row
from zoo.runtime.errors import RowError

Check = Callable[[str, dict], None]  # of (location, record)


def fields_of(required: Collection[str], optional: Collection[str] | None) -> tuple[str, ...]:
    """The fields of records: the required and the `optional` ones, else all without labels that are not required."""
    if optional is None and required and set(required) <= set(instruction_columns.FIELDS):
        answered = {"output", "messages"} & set(required)
        optional = instruction_columns.FIELDS if answered else instruction_columns.PROMPTS
    if optional is not None:
        return tuple(dict.fromkeys([*required, *optional]))
    return tuple(name for name in FIELDS if name not in LABELS or name in required or not required)


class RecordMapper:
    """Maps rows to records. Arguments are those of `zoo.data.opening.open_dataset`."""

    def __init__(
        self, columns: Mapping[str, str], required: Collection[str], skip_invalid: bool, check: Check | None
    ) -> None:
        self.columns, self.required, self.skip_invalid, self._check = columns, required, skip_invalid, check

    def record(
        self, columns: SourceColumns, row: Row | RowError, location: str, report: RowReport
    ) -> dict[str, Any] | None:
        """The record of a row; None where it is left out. Raises UserError, with the location, for a bad row."""
        try:
            return self._checked(columns, row, location, report)
        except RowError as error:
            if not self.skip_invalid:
                raise
            report.skip(error, location)
            return None

    def _checked(self, columns, row, location, report):
        if isinstance(row, RowError):
            raise row
        check_missing(columns.names, row, location, self.required)
        record = to_record(row, location, columns.names, self.columns, columns.source.header, columns.separator)
        record = report.labels.clean(record, location)
        if not self.required or "tokens" in self.required:
            record = report.spans.convert(record, location)
        check_record(record, row, location, self.required, columns.source)
        if not self.required or "answers" in self.required:
            record = report.answers.keep(record, location)
        if self._check and record is not None:
            _check_by_objective(self._check, location, record, row)
        return record


def _check_by_objective(check, location, record, row):
    """Raise RowError for a record that cannot be used; where a column is missing, with the columns of its row."""
    try:
        check(location, record)
    except RowError as error:
        if error.reason != "a missing column":
            raise
        raise RowError(f"{error} Its columns: {', '.join(row)}.", error.reason) from error
