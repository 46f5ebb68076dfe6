"""CoNLL files: a token per line with its tag in the last column, a blank line after each sentence.

Columns are separated by tabs or, where a line has none, by blanks. Lines that start with -DOCSTART- are skipped
(CoNLL-2003, Tjong Kim Sang and De Meulder, https://aclanthology.org/W03-0419).
"""

from zoo.readers import Reader
from zoo.readers._lines import read_lines, sentences, without_ending
from zoo.runtime.errors import RowError, shorten


class Conll(Reader):
    """Read .conll into the fields `tokens` and `tags`; a sentence's line number is that of its first token."""

    extensions = (".conll",)

    def rows(self, path, errors):
        lines = (pair for pair in read_lines(path, errors) if not pair[1].startswith("-DOCSTART-"))
        for sentence in sentences(lines):
            yield f"{path}:{sentence[0][0]}", _row(sentence, path)


def _row(sentence, path):
    try:
        pairs = [_token_and_tag(line, f"{path}:{number}") for number, line in sentence]
    except RowError as error:
        return error
    return {"tokens": [token for token, _ in pairs], "tags": [tag for _, tag in pairs]}


def _token_and_tag(line, location):
    line = without_ending(line)
    columns = line.split("\t") if "\t" in line else line.split()
    if len(columns) < 2 or not columns[0] or not columns[-1]:
        raise RowError(
            f"Expected a token and, in the last column, its tag at {location}. Received: {shorten(line)}.",
            "a token without a tag",
        )
    return columns[0], columns[-1]
