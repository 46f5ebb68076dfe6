"""CoNLL-U, the format of Universal Dependencies: ten columns per word (https://universaldependencies.org/format.html)."""

from zoo.readers import Reader
from zoo.readers._lines import read_lines, sentences, without_ending
from zoo.runtime.errors import RowError, shorten

WIDTH, ID, FORM, UPOS = 10, 0, 1, 3
TEXT = "# text = "


class Conllu(Reader):
    """Read .conllu: words into `tokens`, their universal parts of speech into `tags`, the sentence into `text`.

    Ranges (the unsplit form of several words, ID 3-4) and empty nodes (ID 5.1) are no words and are skipped.
    """

    extensions = (".conllu",)

    def rows(self, path, errors):
        for sentence in sentences(read_lines(path, errors)):
            lines = [(f"{path}:{number}", without_ending(line)) for number, line in sentence]
            try:
                words = [word for word in map(_columns, lines) if word and word[ID].isdecimal()]
            except RowError as error:
                yield lines[0][0], error
                continue
            if words:
                yield lines[0][0], _row(words, [line for _, line in lines])


def _columns(located_line):
    """The columns of a (location, line), None for a comment. Raises UserError for a broken line."""
    location, line = located_line
    if line.startswith("#"):
        return None
    columns = line.split("\t")
    if len(columns) != WIDTH:
        message = f"Expected {WIDTH} columns separated by tabs at {location}. Received: {shorten(line)}."
        raise RowError(message, "a wrong number of columns")
    return columns


def _row(words, lines):
    tokens = [word[FORM] for word in words]
    texts = [line.removeprefix(TEXT) for line in lines if line.startswith(TEXT)]
    return {"text": texts[0] if texts else " ".join(tokens), "tokens": tokens, "tags": [word[UPOS] for word in words]}
