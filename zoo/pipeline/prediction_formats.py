"""Formats of prediction files: the rows of a dataset with all their columns, and their answers in new columns.

A file is made of chunks of rows. Each is encoded where it was predicted, perhaps in another process, and appended to
the file in the making; `publish` ends it.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from zoo.data.columns import beside
from zoo.runtime.durability import sync
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file
from zoo.runtime.optional import import_optional


class Answers(Protocol):
    """How answers are written: an `Objective`, or the `zoo.serving.ray.row_answers.RowAnswers` of a SavedModel."""

    def answer_fields(self, answer: Any, /) -> dict[str, Any]:
        """An answer as {name: value} for JSON."""
        ...

    def answer_columns(self, answer: Any, /) -> dict[str, Any]:
        """An answer as {column: value} of a table."""
        ...


Pair = tuple[dict[str, Any], Any]  # a row and its answer
TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}  # \udce9: a lone surrogate


class JsonLines:
    """JSON Lines (.jsonl): an object for each row."""

    def __init__(self, objective: Answers) -> None:
        self.objective = objective

    def encode(self, pairs: Iterable[Pair]) -> Any:
        """A chunk of (row, answer) pairs as an object that can be pickled. Raises UserError for an unsuitable row.

        A column of the answer whose name the row has already gets the prefix "predicted_".
        """
        lines = (_json(beside(row, self.objective.answer_fields(answer))) for row, answer in pairs)
        return "".join(f"{line}\n" for line in lines).encode(**TEXT)

    def append(self, chunk: Any) -> bytes:
        """The bytes that an encoded chunk adds to the file in the making. Raises UserError for an unsuitable row."""
        return chunk

    def resume(self, partial: Path) -> None:
        """Read what `append` must know of a file in the making that has chunks already."""

    def publish(self, partial: Path, sizes: Sequence[int], output: Path) -> None:
        """Make the output of the file in the making, whose chunks have these sizes in bytes."""
        sync(partial)
        partial.replace(output)
        sync(output.parent)


class Csv(JsonLines):
    """CSV (.csv), whose columns are those of the first row."""

    _columns: list[str] | None = None

    def encode(self, pairs):
        rows = _table_rows(pairs, self.objective)
        return [{name: _cell(value) for name, value in row.items()} for row in rows]

    def append(self, chunk):
        text = io.StringIO(newline="")
        first = self._columns is None
        columns = self._columns = self._columns or list(chunk[0])
        writer = csv.DictWriter(text, columns)
        if first:
            writer.writeheader()
        for row in chunk:
            if other := [name for name in row if name not in columns]:
                expected = f"Expected the columns of the first row, {', '.join(columns)}, in each row"
                raise UserError(f"{expected} of a .csv file. Received: another, {other[0]!r}. Write a .jsonl file.")
            writer.writerow(row)
        return text.getvalue().encode(**TEXT)

    def resume(self, partial):
        with partial.open(encoding="utf-8", newline="") as file:
            self._columns = next(csv.reader(file))


class Parquet(JsonLines):
    """Parquet (.parquet), with a row group for each chunk; a column has one type."""

    def __init__(self, objective):
        super().__init__(objective)
        self._arrow, self._parquet = _import_pyarrow()

    def encode(self, pairs):
        rows = list(_table_rows(pairs, self.objective))
        columns = dict.fromkeys(name for row in rows for name in row)
        with self._one_type():
            table = self._arrow.table({name: [row.get(name) for row in rows] for name in columns})
        stream = io.BytesIO()
        with self._arrow.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        return stream.getvalue()

    def publish(self, partial, sizes, output):
        with self._one_type():
            schemas = [table.schema for table in self._tables(partial, sizes)]
            schema = self._arrow.unify_schemas(schemas or [self._arrow.schema([])], promote_options="permissive")
            with atomic_file(output) as file, self._parquet.ParquetWriter(file, schema) as writer:
                for table in self._tables(partial, sizes):
                    writer.write_table(self._with_schema(table, schema))
        partial.unlink()

    def _tables(self, partial, sizes) -> Iterator[Any]:
        with partial.open("rb") as file:
            for size in sizes:
                yield self._arrow.ipc.open_stream(file.read(size)).read_all()

    def _with_schema(self, table, schema):
        """A table with all columns of a schema, in its order."""
        for name in set(schema.names) - set(table.column_names):
            table = table.append_column(schema.field(name), self._arrow.nulls(len(table), schema.field(name).type))
        return table.select(schema.names).cast(schema)

    @contextmanager
    def _one_type(self):
        arrow = self._arrow
        try:
            yield
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError) as error:
            raise UserError(
                f"Expected values of one type in each column. Received: {error} Write a .jsonl file."
            ) from error


class Squad(JsonLines):
    """SQuAD's form (.json): {id: answer}, held in memory when it is published."""

    def encode(self, pairs):
        return "".join(f"{_json([_id_of(row), answer['answer']])}\n" for row, answer in pairs).encode(**TEXT)

    def publish(self, partial, sizes, output):
        with partial.open("rb") as lines:
            answers = dict(map(json.loads, lines))
        with atomic_file(output, "w", **TEXT) as file:
            file.write(_json(answers) + "\n")
        partial.unlink()


def _import_pyarrow():
    names = ("pyarrow", "pyarrow.parquet")
    return [import_optional(name, "tables", "Writing a .parquet file") for name in names]


def _id_of(row):
    if "id" not in row:
        raise UserError(f"Expected a column 'id' for a .json file of answers. Received: columns={list(row)}.")
    return row["id"]


def _table_rows(pairs, objective):
    return (beside(row, objective.answer_columns(answer)) for row, answer in pairs)


def _cell(value):
    """A value as the cell of a table: nothing for None, JSON for lists and dicts."""
    return _json(value) if isinstance(value, list | tuple | dict) else "" if value is None else value


def _json(value):
    return json.dumps(value, ensure_ascii=False, default=str)


FORMATS: dict[str, type[JsonLines]] = {".csv": Csv, ".jsonl": JsonLines, ".parquet": Parquet, ".json": Squad}
