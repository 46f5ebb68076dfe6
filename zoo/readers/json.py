"""JSON files: a list of objects, splits of texts and labels as CLINC150 has them, SQuAD, Label Studio, spaCy.

A file is one JSON value, so it is held in memory while it is read.
"""

from pathlib import Path

from zoo.readers import Reader
from zoo.readers._annotations import annotated_row
from zoo.readers._json_values import JsonError, parse_json
from zoo.readers._lines import read_text
from zoo.readers._reader import SPLITS, UNNAMED, Source, digest_files, split_in
from zoo.runtime.errors import RowError, UserError, shorten


class Json(Reader):
    """Read .json: [{column: value}], {split: [[text, label] or {column: value}]}, or SQuAD's {"data": ...}."""

    extensions = (".json",)

    def sources(self, spec, errors):
        file = _File(spec, errors)
        names = file.splits()
        if UNNAMED in names:
            return {
                split_in(Path(spec).name): Source(str(spec), lambda: file.rows(UNNAMED), lambda: digest_files(spec))
            }
        return {name: _source(file, name) for name in names}

    def rows(self, path, errors):
        file = _File(path, errors)
        if UNNAMED not in file.splits():
            raise UserError(_unknown_form(path, file.unread))
        return file.rows(UNNAMED)


def _source(file, split):
    description = f"{file.path}#{split}"
    return Source(description, lambda: file.rows(split), lambda: f"{digest_files(file.path)}#{split}")


class _File:
    """A JSON file, parsed once for all of its splits: `unread` holds the splits that are not read yet."""

    def __init__(self, path, errors):
        self.path, self.errors, self.unread = path, errors, {}

    def splits(self):
        """The names of its splits, or `UNNAMED`. Raises UserError for a value of an unknown form."""
        value = _load(self.path, self.errors)
        if isinstance(value, list) or (isinstance(value, dict) and "data" in value):
            value = {UNNAMED: value}
        elif not isinstance(value, dict) or not SPLITS.keys() & value.keys():
            raise UserError(_unknown_form(self.path, value))
        self.unread = value
        return tuple(value)

    def rows(self, split):
        """The (location, row) pairs of a split."""
        if split not in self.unread:
            self.splits()
        value = self.unread.pop(split)
        if split:
            return _rows_of_split(value, split, self.path)
        return _located(value, self.path) if isinstance(value, list) else _questions(value["data"], self.path)


def _load(path, errors):
    text = read_text(path, errors)
    if not text.strip():
        raise UserError(f"Expected records in {path}. Received: an empty file.")
    try:
        return parse_json(text, str(path))
    except JsonError as error:
        raise UserError(f"Expected JSON at {path}:{error.line}. Received: {error}.") from error


def _rows_of_split(rows, split, path):
    if not isinstance(rows, list):
        raise UserError(f"Expected a list in the split {split!r} of {path}. Received: {shorten(rows)}.")
    return _located(rows, f"{path}#{split}")


def _located(rows, description):
    for number, row in enumerate(rows, start=1):
        location = f"{description} record {number}"
        yield location, _row(row, str(description), location)


def _row(value, description, location):
    try:
        row = annotated_row(value, description, location)
    except RowError as error:
        return error
    if isinstance(row, list) and len(row) == 2:
        return {"text": row[0], "label": row[1]}
    if isinstance(row, dict):
        return row
    return RowError(f"Expected an object or [text, label] at {location}. Received: {shorten(row)}.")


def _questions(articles, path):
    last = "data"  # the last question that could be read
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    last = f"question {question.get('id')}"
                    yield f"{path} {last}", _question(question, paragraph["context"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"Expected SQuAD's data/paragraphs/qas in {path}. Received: trouble with {error} at or after {last}."
        ) from error


def _question(question, context):
    """A question's row, without `answers` where the file has none, such as a file of test questions."""
    row = {"context": context, "question": question["question"], "id": question.get("id")}
    if question.get("is_impossible"):
        return row | {"answers": []}
    return row | ({"answers": question["answers"]} if "answers" in question else {})


def _unknown_form(path, value):
    return (
        f"Expected a list of objects, {{split: [[text, label]]}} or SQuAD in {path}. "
        f"Received: {type(value).__name__} {shorten(value)}."
    )
