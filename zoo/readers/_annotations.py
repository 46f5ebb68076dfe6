"""Exports of annotation tools as rows: tasks of Label Studio, and spaCy's [text, {"entities": ..., "cats": ...}].

Spans of characters go to the column `spans`, [{"start", "end", "label", "text"}] with or without `text`; classes of a
text to `label` and `labels`. Label Studio: https://labelstud.io/guide/export. spaCy: https://v2.spacy.io/api/annotation.
"""

from typing import Any

from zoo.runtime.console import print_once
from zoo.runtime.errors import RowError, shorten

SPANS = ("labels", "hypertextlabels", "paragraphlabels")  # types of Label Studio's results that are spans
VALUES = ("rating", "number", "textarea", "datetime")  # those that have a value, which goes to a column of its own


def annotated_row(value: Any, path: str, location: str) -> Any:
    """The row of a task of Label Studio or of spaCy's [text, annotations]; any other value is returned as it is.

    Annotations that are not read, such as relations, are named once for each file `path`. Raises UserError, with the
    location, for a task of another form.
    """
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
        return _of_form("an entry of spaCy", location, value[1], lambda: _spacy_row(value[0], value[1], path))
    if isinstance(value, dict) and isinstance(value.get("data"), dict) and isinstance(value.get("annotations"), list):
        annotations = value["annotations"]
        return _of_form("a result of Label Studio", location, annotations, lambda: _task_row(value, path))
    if isinstance(value, dict) and "entities" in value and value.get("relations"):  # doccano
        report_unread("relations", path)
    return value


def _of_form(form, location, annotations, read):
    """The row that `read` returns. Raises RowError where the annotations are of another form."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"Expected {form} at {location}. Received: {shorten(annotations)} ({error!r:.80})."
        raise RowError(message, "annotations of another form") from error


def _spacy_row(text, annotations, path):
    row: dict[str, Any] = {"text": text}
    if "entities" in annotations:
        row["spans"] = annotations["entities"]
    if "cats" in annotations:
        row |= classes_of([name for name, score in annotations["cats"].items() if float(score) >= 0.5])
    for name in annotations.keys() - {"entities", "cats"}:
        report_unread(name, path)
    return row


def classes_of(labels: list[str]) -> dict[str, Any]:
    """The columns of the classes of a text: `labels` and, where it has exactly one, `label`."""
    return {"labels": labels} | ({"label": labels[0]} if len(labels) == 1 else {})


def report_unread(name: str, path: str) -> None:
    """Print, once for each file, that annotations of a kind are not read."""
    print_once(f"Not read from {path}: {name}.")


def _task_row(task, path):
    """The columns of a task's data, and those of its first annotation that was not cancelled."""
    submitted = [annotation for annotation in task["annotations"] if not annotation.get("was_cancelled")]
    row: dict[str, Any] = {"id": str(task.get("id", "")), **task["data"]}
    if not submitted:
        return row  # not labelled
    if len(submitted) > 1:
        report_unread("second and later annotations of a task", path)
    return _with_results(row, submitted[0].get("result", []), path)


def _with_results(row, results, path):
    spans, classes = [], {}
    for result in results:
        kind, value, name = result["type"], result.get("value", {}), str(result.get("from_name", ""))
        if kind in SPANS and isinstance(value.get("start"), int):
            spans += [_span(value, label) for label in value[kind]]
        elif kind == "choices":
            classes.setdefault(name, []).extend(value["choices"])
        elif kind in VALUES:
            row.setdefault(name, "\n".join(value["text"]) if kind == "textarea" else value[kind])
        else:
            report_unread(f"results of type {kind}", path)
    row["spans"] = spans
    row = {name: labels[0] if len(labels) == 1 else labels for name, labels in classes.items()} | row
    return row | (classes_of(next(iter(classes.values()))) if len(classes) == 1 else {})


def _span(value, label):
    span = {"start": value["start"], "end": value["end"], "label": label}
    return span | ({"text": value["text"]} if isinstance(value.get("text"), str) else {})
