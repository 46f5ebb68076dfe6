"""CoNLL files: a token per line with its tags in other columns, a blank line after each sentence.

Columns are separated by tabs or, where a line has none, by spaces; a no-break space is part of its token. Which column
holds the tokens and which the tags is seen from the first sentences (`zoo.readers._conll_columns`) and said;
`--columns tokens=1,tags=3` names others, by number from 1. Comments, which begin with #, and lines of -DOCSTART- are
left out (CoNLL-2003, Tjong Kim Sang and De Meulder, https://aclanthology.org/W03-0419).
"""

import re
from dataclasses import replace
from itertools import islice

from zoo.readers import Reader
from zoo.readers._conll_columns import FORMS, NONE, SPANS, ConllColumns, conll_columns, spans_of_brackets
from zoo.readers._lines import read_lines, sentences, without_ending
from zoo.runtime.console import print_once
from zoo.runtime.errors import RowError, shorten

SAMPLE = 300  # sentences by which columns are known
DOCUMENT = "-DOCSTART-"
SPACES = re.compile(" +")
LAST = "-1"  # name of the last column, where lines differ in width


class Conll(Reader):
    """Read .conll into columns called 1, 2, ... and `text`, the tokens with blanks between them.

    A sentence's line number is that of its first token.
    """

    extensions = (".conll", ".iob", ".iob2", ".bio", ".v4_gold_conll")

    def rows(self, path, errors):
        columns = _columns(path, errors)
        for sentence in sentences(_lines(path, errors, columns)):
            yield f"{path}:{sentence[0][0]}", _row(sentence, columns, path)

    def source(self, path, errors):
        columns = _columns(path, errors)
        indices = {"tokens": columns.tokens, "tags": columns.tags}
        names = {field: _name(index) for field, index in indices.items() if index != NONE}
        return replace(super().source(path, errors), columns=names, note=_note(path, errors, columns))


def _name(index):
    return LAST if index < 0 else str(index + 1)


def _columns(path, errors) -> ConllColumns:
    """The columns of a file, from its first sentences."""
    lines = read_lines(path, errors)
    words = ((number, line) for number, line in lines if not line.startswith("#") and not _is_document(line))
    sample = islice(sentences(words), SAMPLE)
    return conll_columns([[_cells(line) for _, line in sentence] for sentence in sample])


def _cells(line):
    """The cells of a line: only tabs and spaces separate."""
    line = without_ending(line)
    return [cell.strip(" ") for cell in line.split("\t")] if "\t" in line else SPACES.split(line.strip(" "))


def _is_document(line):
    return DOCUMENT in line and any(cell.startswith(DOCUMENT) for cell in _cells(line)[:2])


def _lines(path, errors, columns):
    """Yield the (number, line) pairs of words, and blank ones."""
    for number, line in read_lines(path, errors):
        if _is_document(line):
            continue
        if line.startswith("#") and columns.is_comment(line, _cells(line)):
            _report_comments(str(path), number, line)
        elif columns.is_word(line):
            yield number, line


_reported: set[str] = set()  # files whose comments a message named


def _report_comments(path, number, line):
    if path not in _reported:
        _reported.add(path)
        print_once(f"Left out of {path}: comments, such as {shorten(without_ending(line), 60)} in line {number}.")


def _row(sentence, columns, path):
    """The row of a sentence, {number of a column: its cells}, or the error of a line."""
    lines = [(f"{path}:{number}", _cells(line)) for number, line in sentence]
    width = len(lines[0][1])
    for location, cells in lines:
        if error := _error(cells, width, columns, location):
            return error
    row = {str(index + 1): [cells[index] for _, cells in lines] for index in range(width)}
    for index, form in enumerate(columns.forms[:width]):
        if form == SPANS:
            row[str(index + 1)] = spans_of_brackets(row[str(index + 1)])
    row |= {} if columns.width else {LAST: row[str(width)]}
    return row if columns.tokens == NONE else row | {"text": " ".join(row[_name(columns.tokens)])}


def _error(cells, width, columns, location):
    """The error of a line without a token or a tag, or of another number of columns than the line before."""
    indices = [index for index in (columns.tokens, columns.tags) if index != NONE]
    if len(cells) < 2 or any(index >= len(cells) or not cells[index] for index in indices):
        names = " and its tag in column ".join(_name(index) for index in indices)
        message = f"Expected a token in column {names} at {location}. Received: {shorten(cells)}."
        return RowError(message, "a token without a tag")
    if len(cells) != width:
        message = (
            f"Expected {width} columns at {location}, as in the first line of the sentence. Received: {shorten(cells)}."
        )
        return RowError(message, "a wrong number of columns")
    return None


def _note(path, errors, columns):
    """What each column is, for a message; "" where tokens come first and tags second."""
    if (columns.tokens, columns.tags, columns.width) == (0, 1, 2) or not columns.forms:
        return ""
    lines = _lines(path, errors, columns)
    first = next((_cells(line) for _, line in next(iter(sentences(lines)), [])), [])
    examples = ", ".join(f"{n} {shorten(cell, 30)} ({_what(n - 1, columns)})" for n, cell in enumerate(first, start=1))
    named = {
        field: _name(index) for field, index in (("tokens", columns.tokens), ("tags", columns.tags)) if index != NONE
    }
    mapping = ",".join(f"{field}={name}" for field, name in named.items())
    tags = f"Read {path} by --columns {mapping}" if len(named) == 2 else f"Cannot tell the columns of {path} apart"
    return f"{tags}. Its columns: {examples}. Name others in the same way, as in --columns tokens=1,tags=2."


def _what(index, columns):
    if index == columns.tokens:
        return "tokens"
    if index == columns.tags:
        return "tags"
    return FORMS[columns.forms[index]] if index < len(columns.forms) else "unread"
