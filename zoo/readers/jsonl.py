"""JSON Lines: one JSON object per line, its keys the columns."""

from zoo.readers import Reader
from zoo.readers._annotations import annotated_row
from zoo.readers._json_values import JsonError, parse_json
from zoo.readers._lines import read_lines
from zoo.readers._reader import Row
from zoo.runtime.errors import RowError, shorten


class JsonLines(Reader):
    """Read .jsonl; blank lines are skipped."""

    extensions = (".jsonl",)

    def rows(self, path, errors):
        for number, line in read_lines(path, errors):
            if line.strip():
                yield f"{path}:{number}", row_of_line(line, str(path), number)

    def count(self, path, errors):
        return sum(1 for _, line in read_lines(path, errors) if line.strip())


def row_of_line(line: str, path: str, number: int) -> Row | RowError:
    """The row of a line; a `RowError`, with its location, for one that is no JSON object."""
    location = f"{path}:{number}"
    try:
        value = annotated_row(parse_json(line, path, number), path, location)
    except RowError as error:
        return error
    except JsonError as error:
        message = f"Expected one JSON object at {location}. Received: {shorten(line.strip())} ({error})."
        return RowError(message, "broken JSON")
    if not isinstance(value, dict):
        message = f"Expected one JSON object at {location}. Received: {shorten(value)}."
        return RowError(message, "JSON that is no object")
    return value
