"""Header detection: whether the first row of a table names its columns or is data, as in a file without a header."""

from collections.abc import Sequence

from zoo.readers._column_names import NAMES

WORDS = 6  # of a sentence that is rather a text than the name of a column
OTHERS = ("id", "index", "idx", "split", "date", "timestamp", "name", "user", "lang", "language")
KNOWN = frozenset([*(name for names in NAMES.values() for name in names), *OTHERS])


def reason_for_no_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Why the first row of a table is data, as a clause for a message; "" where it is a header.

    A header has a well-known name, or names that are no values of their columns. In the first row of data the class is
    one of those below it, or the text is a sentence.

    Args:
        first: the cells of the first row, without blanks around them.
        rows: the next rows.
    """
    rows = [[str(cell).strip() for cell in row] for row in rows if len(row) == len(first)]
    rows = [row for row in rows if row != list(first)]  # a header that comes again
    if len(first) < 2 or len(rows) < 2 or _are_numbered(first):
        return ""
    columns = zip(*rows, strict=True)
    repeated = [cell for cell, column in zip(first, columns, strict=True) if cell and cell in column]
    if any(cell.lower() in KNOWN or cell.startswith("Unnamed:") for cell in first if cell not in repeated):
        return ""
    if repeated:
        return f"{repeated[0]!r} of its first row is a value of other rows too"
    sentence = next((cell for cell in first if len(cell.split()) >= WORDS and cell[-1] in ".!"), "")
    return f"its first row holds a sentence, {sentence[:40]!r}" if sentence else ""


def _are_numbered(first):
    """Whether the names are numbers in order, as pandas and spreadsheets name columns; the first may be empty."""
    names = [name for name in first if name]
    return any(names == [str(start + index) for index in range(len(names))] for start in (0, 1))
