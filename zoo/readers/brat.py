"""brat's standoff format: a folder of texts, NAME.txt, each with its annotations, NAME.ann, in offsets of characters.

https://brat.nlplab.org/standoff.html. Entities (T) are read; of relations, events, attributes, notes, and entities
of several parts, a message says that they are not. A document is one record.
"""

import re
from dataclasses import replace
from pathlib import Path

from zoo.readers import Reader
from zoo.readers._annotations import report_unread
from zoo.readers._lines import read_lines
from zoo.readers._reader import digest_files
from zoo.runtime.errors import RowError, shorten

ENTITY = "T"
OFFSET = re.compile(r"[0-9]{1,18}")
UNREAD = {
    "R": "relations",
    "*": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalizations",
    "#": "notes",
}


class Brat(Reader):
    """Read a folder with NAME.txt and NAME.ann, also in its subfolders, into `text` and `spans`; sorted by path."""

    def handles(self, spec):
        folder = Path(spec)
        return folder.is_dir() and any(next(folder.glob(pattern), None) for pattern in ("*.ann", "*/*.ann"))

    def rows(self, path, errors):
        for annotations in _annotation_files(path):
            yield str(annotations), _document(annotations, str(path), errors)

    def source(self, path, errors):
        return replace(super().source(path, errors), digest=lambda: _digest(path))

    def count(self, path, errors):
        return len(_annotation_files(path))


def _annotation_files(folder):
    return sorted(Path(folder).rglob("*.ann"))


def _digest(folder):
    files = _annotation_files(folder)
    return digest_files(*files, *(_text_file(file) for file in files))


def _text_file(annotations):
    return annotations.with_suffix(".txt")


def _document(annotations, folder, errors):
    """The row of a document, or the error of a line that is no annotation."""
    text = "".join(line for _, line in read_lines(_text_file(annotations), errors))
    spans = []
    for number, line in read_lines(annotations, errors):
        kind = line[:1]
        if kind in UNREAD:
            report_unread(UNREAD[kind], folder)
        elif line.strip():
            span = _entity(line, f"{annotations}:{number}")
            if isinstance(span, RowError):
                return span
            if span:
                spans.append(span)
            else:
                report_unread("entities of several parts", folder)
    return {"text": text, "id": annotations.stem, "spans": spans}


def _entity(line, location):
    """The span of a line such as T1<tab>Person 0 8<tab>Ann Lee; None for one of several parts."""
    columns = line.rstrip("\r\n").split("\t")
    label, *offsets = (columns[1].split() if len(columns) > 1 else []) or [""]
    if ";" in "".join(offsets):
        return None
    if line[:1] != ENTITY or len(offsets) != 2 or not all(map(OFFSET.fullmatch, offsets)):
        message = f"Expected an annotation such as T1<tab>Person 0 8<tab>Ann Lee at {location}."
        return RowError(f"{message} Received: {shorten(line.strip())}.", "an annotation of another form")
    start, end = map(int, offsets)
    return {"start": start, "end": end, "label": label}
