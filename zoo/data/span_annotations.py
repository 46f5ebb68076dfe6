"""Span annotations: spans of characters of a text, with labels, to the words of the text and a BIO tag for each.

Words are those of `zoo.data.word_alignment.split_words`, so a text is cut as it is for prediction. A span whose end is
within a word takes the complete word. Of spans that overlap in a word, the longest is taken. Both are counted in a
message, as are spans without a word, and spans whose own text is not at their offset.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.data import span_schemes
from zoo.data.word_alignment import split_words
from zoo.runtime.console import console
from zoo.runtime.errors import RowError, shorten

COLUMNS = ("entities", "label", "labels")  # that may hold spans, as in doccano's files
STARTS, ENDS, LABELS = ("start", "start_offset"), ("end", "end_offset"), ("label", "labels", "type", "tag")
SNAPPED = "spans that end within a word, which take the complete word"
OVERLAPPING = "spans that overlap a longer one, left out"
WORDLESS = "spans without a word, left out"
MISPLACED = "spans whose text is not at their offset, left out"

Span = dict[str, Any]  # {"start": first character, "end": past-the-last character, "label": a string}, perhaps "text"


def are_spans(value: object) -> bool:
    """Whether a value is a list of spans, [[start, end, label]] or [{"start", "end", "label"}], that is not empty."""
    return isinstance(value, list) and bool(value) and all(_is_span(item) for item in value)


def _is_span(item):
    if isinstance(item, Mapping):
        return any(name in item for name in STARTS) and any(name in item for name in ENDS)
    return isinstance(item, Sequence) and len(item) == 3 and all(type(number) is int for number in item[:2])


def annotation_columns(names: Mapping[str, str], row: Mapping[str, Any]) -> Mapping[str, str]:
    """`names`, {field: column}, for a row of an annotation tool, whose column `label` may hold spans or a list.

    Spans are then those of the field `spans`. One list of labels serves both `label` and `labels`.
    """
    if not any(isinstance(row.get(column), list) for column in COLUMNS):
        return names
    names = dict(names)
    if "spans" in names and names["spans"] not in row:
        spans = (column for column in COLUMNS if _hold_spans(row.get(column), column, names))
        names["spans"] = next(spans, names["spans"])
    labels = {field: names.pop(field) for field in ("label", "labels") if field in names}
    for field, column in labels.items():
        if not are_spans(row.get(column)):
            names[field] = column if column in row else _other_column(field, column, row)
        elif "spans" not in names:
            names[field] = column  # is refused, as no label
    return names


def _other_column(field, column, row):
    """The column of the other field for labels, where a list there serves this field; else its own column."""
    other = "labels" if field == "label" else "label"
    labels = row.get(other)
    serves = isinstance(labels, list) and not are_spans(labels) and (field == "labels" or len(labels) == 1)
    return other if serves else column


def _hold_spans(value, column, names):
    """Whether the value of a column is a list of spans; an empty one is, where the column holds nothing else."""
    return are_spans(value) or (value == [] and (column == COLUMNS[0] or column not in names))


def standard_spans(value: Any, location: str) -> list[Span]:
    """The spans of a value in one form. Raises UserError, with the location, for a value of another form."""
    if value in (None, "", []):
        return []
    if not are_spans(value):
        raise RowError(
            f'Expected spans as [[start, end, label]] or [{{"start": ..., "end": ..., "label": ...}}] at {location}. '
            f"Received: spans={shorten(value)}."
        )
    return [span for item in value for span in _standard_span(item, location)]


def _standard_span(item, location):
    """Yield a span for each label of an item."""
    if not isinstance(item, Mapping):
        start, end, labels = item
        item = {}
    else:
        start, end, labels = (
            next((item[name] for name in names if name in item), None) for names in (STARTS, ENDS, LABELS)
        )
    labels = [labels] if isinstance(labels, str) else labels
    integers = type(start) is int and type(end) is int
    if not integers or not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        message = f"Expected the start, the end and the label of a span at {location}."
        raise RowError(f"{message} Received: {shorten(item or [start, end, labels])}.")
    for label in labels:
        yield {"start": start, "end": end, "label": label} | ({"text": item["text"]} if "text" in item else {})


class SpanConverter:
    """Converts the spans of records to tokens and tags, and counts what does not fit, over one pass over a split."""

    def __init__(self) -> None:
        self._counts, self._first = Counter(), {}

    def convert(self, record: dict[str, Any], location: str) -> dict[str, Any]:
        """The record with `tokens` and `tags` in place of `spans`, where it has spans and a text but no tokens.

        Raises UserError, with the location, for a span beyond the text.
        """
        if "spans" not in record or "text" not in record or "tokens" in record:
            return record
        words = split_words(record["text"])
        spans = self._disjoint(list(self._spans_of_words(record, words, location)), location)
        columns = {key: value for key, value in record.items() if key != "spans"}
        return columns | {"tokens": [word for word, _, _ in words], "tags": span_schemes.encode(spans, len(words))}

    def _spans_of_words(self, record, words, location):
        """Yield (label, first word, past-the-last word) of the spans that fit."""
        for span in record["spans"]:
            span_of_text = self._checked(span, record["text"], location)
            span_of_words = self._words_of(*span_of_text, words, location) if span_of_text else None
            if span_of_words:
                yield span_of_words

    def _checked(self, span, text, location):
        """(label, start, end) of a span, without blanks at its ends; None where its text is elsewhere."""
        start, end = span["start"], span["end"]
        if "text" in span and text[max(start, 0) : end] != span["text"]:
            start, end = _from_utf_16(text, start, end)
            if text[start:end] != span["text"]:
                return self._count(MISPLACED, location)
        if not 0 <= start <= end <= len(text):
            received = f"start={start}, end={end}"
            raise RowError(f"Expected spans within the {len(text)} characters at {location}. Received: {received}.")
        inner = text[start:end].strip()
        start = text.index(inner, start)
        return span["label"], start, start + len(inner)

    def _words_of(self, label, start, end, words, location):
        """(label, first word, past-the-last word) of the words that a span overlaps."""
        inside = [i for i, (_, first, last) in enumerate(words) if first < end and last > start]
        if not inside:
            return self._count(WORDLESS, location)
        if words[inside[0]][1] < start or words[inside[-1]][2] > end:
            self._count(SNAPPED, location)
        return label, inside[0], inside[-1] + 1

    def _disjoint(self, spans, location):
        """Spans in order, without those that overlap a longer one or, of the same length, an earlier one."""
        selected, free = [], set(range(max((end for _, _, end in spans), default=0)))
        for span in sorted(spans, key=lambda span: (span[1] - span[2], span[1])):
            if free.issuperset(range(*span[1:])):
                free.difference_update(range(*span[1:]))
                selected.append(span)
            else:
                self._count(OVERLAPPING, location)
        return sorted(selected, key=lambda span: span[1])

    def _count(self, reason, location):
        self._counts[reason] += 1
        self._first.setdefault(reason, location)

    def report(self, split: str) -> None:
        """Print on standard error how many spans did not fit, and where the first is; `split` describes the split."""
        for reason, count in self._counts.items():
            console.print(f"In {split}: {count} {reason} (the first at {self._first[reason]}).")


def _from_utf_16(text, start, end):
    """Offsets in UTF-16 code units, as JavaScript counts, as offsets in characters; the same where they do not fit."""
    units = text.encode("utf-16-le", "surrogatepass")
    if not 0 <= start <= end <= len(units) // 2:
        return start, end
    return tuple(len(units[: 2 * offset].decode("utf-16-le", "replace")) for offset in (start, end))
