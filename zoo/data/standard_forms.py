"""Standard forms of the fields of a record: texts, labels, lists of tokens and tags, answers, spans, messages."""

import re
from collections.abc import Sequence
from typing import Any

from zoo.data.label_cells import is_missing, label_text, listed_labels, split_labels
from zoo.data.messages import standard_messages
from zoo.data.span_annotations import standard_spans
from zoo.runtime.errors import RowError, shorten

STRINGS = (
    "text",
    "text_pair",
    "ending",
    "label",
    "context",
    "question",
    "source",
    "target",
    "instruction",
    "input",
    "output",
    "id",
)
LISTS = ("labels", "tokens", "tags")
WORDS = re.compile(r"[^ \t\r\n]+")  # a no-break space is part of a word


def standard_form(field: str, values: Sequence[Any], location: str, separator: str) -> Any:
    """The standard form of the values of a column, or of joined ones: texts joined by a blank, lists one after another.

    Args:
        separator: between the labels of a cell.

    Raises RowError, with the location, for a value of another form.
    """
    if field in STRINGS:
        texts = [_string(field, value, location) for value in values]
        return " ".join(text for text in texts if text)
    if field in LISTS:
        return [item for value in values for item in _strings(field, value, location, separator)]
    if field == "messages":
        return standard_messages(values, location)
    if len(values) > 1:
        received = f"{len(values)} joined columns at {location}"
        raise RowError(f"Expected one column for {field}, as only texts and lists are joined. Received: {received}.")
    (value,) = values
    if field == "spans":
        return standard_spans(value, location)
    return _answers(value, location)


def _string(field, value, location):
    if field == "label":
        return _label(value, location)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float):
        return _number(field, value, location)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    raise RowError(f"Expected a string or a list of tokens at {location}. Received: {field}={shorten(value)}.")


def _label(value, location):
    """The one label of a cell, "" for none; a list of one label is that label."""
    items = listed_labels(value) if isinstance(value, str) else value if isinstance(value, list) else None
    if items is not None and (len(items) > 1 or any(isinstance(item, list | dict) for item in items)):
        raise RowError(
            f"Expected one label at {location}. Received: label={shorten(value)}. Several labels are those of "
            "objective.multi_label=True (--columns labels=NAME); spans of characters those of tag_tokens.",
            "several labels",
        )
    value = value if items is None else items[0] if items else ""
    return "" if value is None else label_text(value, location)


def _number(field, value, location):
    try:
        return str(value)
    except ValueError as error:  # an integer of thousands of digits
        raise RowError(f"Expected a text at {location}. Received: {field}={shorten(value)}.") from error


def _strings(field, value, location, separator):
    if field == "labels":
        return _several_labels(value, location, separator)
    if isinstance(value, str):
        return WORDS.findall(value)
    if isinstance(value, list) and not any(isinstance(item, list | dict) or is_missing(item) for item in value):
        return [str(item) for item in value]
    raise RowError(f"Expected a list of strings at {location}. Received: {field}={shorten(value)}.")


def _several_labels(value, location, separator):
    """The labels of a cell, in the order of the cell."""
    if value is None:
        return []
    items = split_labels(value, separator) if isinstance(value, str) else value if isinstance(value, list) else [value]
    if any(isinstance(item, list | dict) for item in items):
        raise RowError(f"Expected a list of strings at {location}. Received: labels={shorten(value)}.")
    return [label_text(item, location) for item in items]


def _answers(value, location):
    """Answers come as [{"text", "start"}], as SQuAD's [{"text", "answer_start"}], or as one dict of two lists."""
    try:
        if isinstance(value, dict):
            starts = value["start"] if "start" in value else value["answer_start"]
            value = [{"text": text, "start": start} for text, start in zip(value["text"], starts, strict=True)]
        return [_answer(**answer) for answer in value]
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise RowError(
            f'Expected answers as [{{"text": ..., "start": ...}}] at {location}. Received: answers={shorten(value)}.'
        ) from error


def _answer(text, start=None, answer_start=None, **_):
    if not isinstance(text, str):
        raise TypeError(text)
    value: Any = answer_start if start is None else start
    return {"text": text, "start": int(value)}
