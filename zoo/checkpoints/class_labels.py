"""Names of the classes of a published head: `id2label` of config.json, or transformers' LABEL_0, LABEL_1 and so on."""

from collections.abc import Mapping
from typing import Any

from zoo.runtime.errors import UserError, shorten

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


def read_labels(config: Mapping[str, Any], rows: int) -> tuple[str, ...]:
    """The names of the classes, in the order of the outputs.

    Without `id2label`, transformers names them by their number, as many as `num_labels` says; it does not write
    `id2label` where that is what it would read.

    Args:
        rows: outputs of the head.

    Raises UserError for names of another form, equal names, and another number of names than of outputs.
    """
    names = config.get("id2label")
    if names is None:
        return _numbered(config, rows)
    if not isinstance(names, dict) or not all(_is_number(key) for key in names):
        raise UserError(f"Expected an object of number: name as id2label in config.json. Received: {shorten(names)}.")
    by_number = {int(key): _name(value) for key, value in names.items()}
    if sorted(by_number) != list(range(rows)) or len(by_number) != len(names):
        raise UserError(
            f"Expected id2label in config.json to name the classes 0 to {rows - 1}, the outputs of the head. "
            f"Received: {shorten(names)}."
        )
    labels = tuple(by_number[number] for number in range(rows))
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise UserError(f"Expected different names in id2label of config.json. Received: {twice[0]!r} more than once.")
    return labels


def read_problem_type(config: Mapping[str, Any]) -> str:
    """The `problem_type` of config.json, "" where it has none. Raises UserError for an unknown one."""
    problem_type = config.get("problem_type") or ""
    if problem_type and problem_type not in PROBLEM_TYPES:
        raise UserError(
            f"Expected problem_type of {', '.join(PROBLEM_TYPES)} in config.json. Received: {problem_type!r:.60}."
        )
    return problem_type


def _numbered(config, rows):
    count = config.get("num_labels")
    if count is not None and count != rows:
        raise UserError(f"Expected num_labels={rows} in config.json, as the head has outputs. Received: {count!r:.40}.")
    return tuple(f"LABEL_{number}" for number in range(rows))


def _is_number(key):
    return isinstance(key, int) or (isinstance(key, str) and key.isascii() and key.isdigit())


def _name(value):
    """The name of a class; some files have numbers, which transformers writes as they are."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(f"Expected names of classes in id2label of config.json. Received: {shorten(value, 40)}.")
    return str(value)
