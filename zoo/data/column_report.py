"""Report of how the columns of a source are read: tokens and tags, instructions, several labels in a cell."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from zoo.data.columns import column_values, columns_option, has_column
from zoo.data.fields import LABEL_SEPARATOR, row_columns
from zoo.data.instruction_columns import describe_columns, reads_instructions
from zoo.data.label_cells import separator_of
from zoo.readers import Source
from zoo.runtime.console import print_once

SAMPLE = 200  # rows from which the separator of labels is known


class SourceColumns:
    """How the columns of a source are read, from its first rows.

    Args:
        rows: the first rows.
        names: {field: column}, of `zoo.data.fields.columns_of`.
        mapped: fields whose columns the user named.
        fields: fields that records need or may have.
    """

    def __init__(
        self,
        source: Source,
        rows: Sequence[Mapping[str, Any]],
        names: Mapping[str, str],
        mapped: Collection[str],
        fields: Collection[str],
    ) -> None:
        self.source, self._rows, self.names = source, rows, names
        self._mapped, self._fields = set(mapped), set(fields)
        self._labels = separator_of(self._cells("labels")) if "labels" in self._fields else ""

    @property
    def separator(self) -> str:
        """The separator between the labels of a cell."""
        return self._labels or LABEL_SEPARATOR

    def _cells(self, field) -> Iterator[Any]:
        for row in self._rows:
            column = row_columns(self.names, row, self._mapped).get(field, "")
            if has_column(row, column):
                yield from column_values(row, column)

    def report(self) -> None:
        """Print, once for each file, what differs from one column of its own name for each field."""
        for line in self._lines():
            print_once(line)

    def _lines(self):
        where = self.source.description
        if self.source.note and self.source.columns.keys() & self._fields - self._mapped:
            yield self.source.note
        if self._rows and reads_instructions(self.names):
            names = row_columns(self.names, self._rows[0], self._mapped)
            if columns := describe_columns(names, self._rows[0], self.source.columns, "output" in self._fields):
                yield f"Read {where} with {columns}"
        if self._labels not in ("", LABEL_SEPARATOR):
            yield f"Read the labels of {where} as several in a cell, separated by {self._labels!r}."
        if "label" in self._fields and "labels" not in self._fields:
            yield from self._joined_labels(where)

    def _joined_labels(self, where):
        cells = [cell for cell in self._cells("label") if isinstance(cell, str)]
        if separator := separator_of(cells):
            example = next(cell for cell in cells if separator in cell)
            option = columns_option({"labels": self.names["label"]})
            message = f"Labels of {where} look like several in a cell, as in {example!r}"
            yield f"{message}, and are taken for one: {option} splits them."
