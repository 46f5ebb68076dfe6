"""JSON files of three forms: a list of objects, splits of texts and labels as CLINC150 has them, and SQuAD.

A file is one JSON value, so it is held in memory while it is read.
"""

import json

from zoo.readers import Reader
from zoo.readers._lines import read_lines
from zoo.readers._reader import SPLITS, Source, digest_files
from zoo.runtime.errors import UserError, shorten


class Json(Reader):
    """Read .json: [{column: value}], {split: [[text, label] or {column: value}]}, or SQuAD's {"data": ...}."""

    extensions = (".json",)

    def sources(self, spec, errors):
        value = _load(spec, errors)
        if not isinstance(value, dict) or "data" in value:
            return super().sources(spec, errors)
        if not SPLITS.keys() & value.keys():
            raise UserError(_unknown_form(spec, value))
        return {split: self._split(spec, split, errors) for split in value}

    def rows(self, path, errors):
        value = _load(path, errors)
        if isinstance(value, list):
            return _located(value, path)
        if isinstance(value, dict) and "data" in value:
            return _questions(value["data"], path)
        raise UserError(_unknown_form(path, value))

    def _split(self, path, split, errors):
        return Source(
            description=f"{path}#{split}",
            rows=lambda: _rows_of_split(_load(path, errors), split, path),
            digest=lambda: f"{digest_files(path)}#{split}",
        )


def _load(path, errors):
    text = "".join(line for _, line in read_lines(path, errors))
    if not text.strip():
        raise UserError(f"Expected records in {path}. Received: an empty file.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"Expected JSON at {path}:{error.lineno}. Received: {error.msg}, column {error.colno}."
        ) from error


def _rows_of_split(value, split, path):
    if not isinstance(value[split], list):
        raise UserError(f"Expected a list in the split {split!r} of {path}. Received: {shorten(value[split])}.")
    return _located(value[split], f"{path}#{split}")


def _located(rows, description):
    for number, row in enumerate(rows, start=1):
        if isinstance(row, list) and len(row) == 2:
            row = {"text": row[0], "label": row[1]}
        if not isinstance(row, dict):
            raise UserError(
                f"Expected an object or [text, label] at {description} record {number}. Received: {shorten(row)}."
            )
        yield f"{description} record {number}", row


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
    """A question's row, without `answers` where the file has none, as a file of test questions."""
    row = {"context": context, "question": question["question"], "id": question.get("id")}
    if question.get("is_impossible"):
        return row | {"answers": []}
    return row | ({"answers": question["answers"]} if "answers" in question else {})


def _unknown_form(path, value):
    return (
        f"Expected a list of objects, {{split: [[text, label]]}} or SQuAD in {path}. "
        f"Received: {type(value).__name__} {shorten(value)}."
    )
