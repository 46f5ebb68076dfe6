"""spaCy's DocBin, .spacy: the texts of training data with entities and text categories (https://spacy.io/api/docbin).

It needs the extra `spacy`. Tokens are those of the zoo, as for prediction, not those of spaCy.
"""

from typing import Any

from zoo.readers import Reader
from zoo.readers._annotations import classes_of, report_unread
from zoo.readers._lines import read_bytes
from zoo.runtime.errors import UserError
from zoo.runtime.optional import import_optional


class SpacyDocs(Reader):
    """Read .spacy into the fields `text`, `spans` (the entities), `label` and `labels` (categories of 0.5 and more)."""

    extensions = (".spacy",)

    def rows(self, path, errors):
        for number, doc in enumerate(_docs(path), start=1):
            spans = [{"start": e.start_char, "end": e.end_char, "label": e.label_} for e in doc.ents]
            row = {"text": doc.text, "spans": spans}
            if doc.cats:
                row |= classes_of([name for name, score in doc.cats.items() if score >= 0.5])
            for name in doc.spans:
                report_unread(f"the span group {name!r}", str(path))
            yield f"{path} record {number}", row


def _docs(path):
    """Yield the documents of a file. Raises UserError where it cannot be read."""
    spacy: Any = import_optional("spacy", "spacy", "Reading .spacy files")
    tokens: Any = import_optional("spacy.tokens", "spacy", "Reading .spacy files")
    data = read_bytes(path)
    if not data:
        return
    try:
        docs = tokens.DocBin().from_bytes(data)
    except Exception as error:  # zlib, msgpack and spaCy have exceptions of their own
        raise UserError(f"Expected a DocBin of spaCy in {path}. Received: {type(error).__name__}: {error}.") from error
    yield from docs.get_docs(spacy.blank("xx").vocab)
