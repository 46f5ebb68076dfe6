"""Predictions as a file: the rows of a dataset with all their columns, and their answers in new columns."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.objectives import Objective, beside
from zoo.runtime.errors import UserError, did_you_mean
from zoo.runtime.files import atomic_file
from zoo.runtime.optional import import_optional

TEXT: dict[str, Any] = {"mode": "w", "encoding": "utf-8", "errors": "backslashreplace"}  # \udce9: a lone surrogate


def check_output(output: str | Path, objective: Objective, overwrite: bool = False) -> None:
    """Raise UserError for a file of another format than `WRITERS` has, or one that exists and is not to be replaced."""
    path, known = Path(output), [name for name in WRITERS if name != ".json" or "id" in objective.fields.optional]
    if path.suffix not in known:
        hint = did_you_mean(path.suffix, known)
        raise UserError(f"Expected an output file with the ending {' or '.join(known)}. Received: {output}.{hint}")
    if path.is_dir():
        raise UserError(f"Expected the path of an output file. Received: {output}, which is a folder.")
    if path.exists() and not overwrite:
        raise UserError(f"Expected the path of a new file. Received: {output}, which exists: --force replaces it.")
    if path.suffix == ".parquet":
        _import_pyarrow()


def write_predictions(rows: Iterable[tuple[dict[str, Any], Any]], output: str | Path, objective: Objective) -> None:
    """Write rows with their answers, in the format of the file's ending; the file is complete or absent.

    JSON Lines and CSV are written as a stream. Parquet, and SQuAD's {id: answer} (.json), are held in memory.

    Args:
        rows: (row, answer) pairs, a row being {column: value}. A column of the answer whose name the row has already
            gets the prefix "predicted_".
        output: the path of the file: see `check_output`.

    Raises UserError for a row that the format cannot hold.
    """
    WRITERS[Path(output).suffix](rows, Path(output), objective)


def _write_jsonl(rows, path, objective):
    with atomic_file(path, **TEXT) as file:
        for row, answer in rows:
            file.write(_json(beside(row, objective.answer_fields(answer))) + "\n")


def _write_squad(rows, path, objective):
    answers = {_id_of(row): answer["answer"] for row, answer in rows}
    with atomic_file(path, **TEXT) as file:
        file.write(_json(answers) + "\n")


def _id_of(row):
    if "id" not in row:
        raise UserError(f"Expected a column 'id' for a .json file of answers. Received: columns={list(row)}.")
    return row["id"]


def _write_csv(rows, path, objective):
    with atomic_file(path, **TEXT, newline="") as file:
        writer = None
        for row in _table_rows(rows, objective):
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            if unknown := [name for name in row if name not in writer.fieldnames]:
                expected = f"Expected the columns of the first row, {', '.join(writer.fieldnames)}, in each row"
                raise UserError(f"{expected} of a .csv file. Received: another, {unknown[0]!r}. Write a .jsonl file.")
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _write_parquet(rows, path, objective):
    arrow, parquet = _import_pyarrow()
    table_rows = list(_table_rows(rows, objective))
    columns = dict.fromkeys(name for row in table_rows for name in row)
    try:
        table = arrow.table({name: [row.get(name) for row in table_rows] for name in columns})
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise UserError(
            f"Expected values of one type in each column. Received: {error} Write a .jsonl file."
        ) from error
    with atomic_file(path) as file:
        parquet.write_table(table, file)


def _import_pyarrow():
    names = ("pyarrow", "pyarrow.parquet")
    return [import_optional(name, "tables", "Writing a .parquet file") for name in names]


def _table_rows(rows, objective):
    return (beside(row, objective.answer_columns(answer)) for row, answer in rows)


def _cell(value):
    """A value as the cell of a table: nothing for None, JSON for lists and dicts."""
    return _json(value) if isinstance(value, list | tuple | dict) else "" if value is None else value


def _json(value):
    return json.dumps(value, ensure_ascii=False, default=str)


WRITERS = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet, ".json": _write_squad}
