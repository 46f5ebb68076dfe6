"""spaCy's DocBin, .spacy: the texts of training data with entities and text categories (https://spacy.io/api/docbin).

It needs the extra `spacy`. Tokens are those of the zoo, as for prediction, not those of spaCy.
"""

from typing import Any

from zoo.readers import Reader
from zoo.readers._annotations import classes_of, report_unread
from zoo.readers._lines import read_bytes
from zoo.runtime.errors import UserError, single_line
from zoo.runtime.optional import import_optional


class SpacyDocs(Reader):
    """Read .spacy into the fields `text`, `spans` (the entities), `label` and `labels` (categories of 0.5 and more)."""

    extensions = (".spacy",)

    def rows(self, path, errors):
        return ((f"{path} record {number}", row) for number, row in enumerate(_rows(path), start=1))


def _rows(path):
    """Yield the rows of a file. Raises UserError where it cannot be read."""
    spacy: Any = import_optional("spacy", "spacy", "Reading .spacy files")
    tokens: Any = import_optional("spacy.tokens", "spacy", "Reading .spacy files")
    data = read_bytes(path)
    if not data:
        return
    try:
        for doc in tokens.DocBin().from_bytes(data).get_docs(spacy.blank("xx").vocab):
            yield _row(doc, path)
    except Exception as error:  # zlib, msgpack and spaCy have exceptions of their own
        reason = f"{type(error).__name__}: {single_line(str(error))[:200]}"
        raise UserError(f"Expected a DocBin of spaCy in {path}. Received: {reason}.") from error


def _row(doc, path):
    spans = [{"start": e.start_char, "end": e.end_char, "label": e.label_} for e in doc.ents]
    for name in doc.spans:
        report_unread(f"the span group {name!r}", str(path))
    categories = [name for name, score in doc.cats.items() if score >= 0.5]
    return {"text": doc.text, "spans": spans} | (classes_of(categories) if doc.cats else {})
