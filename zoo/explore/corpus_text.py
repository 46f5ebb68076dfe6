"""The texts of a corpus, and the words and tags that it brings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.column_guess import guess_columns
from zoo.data.columns import has_column
from zoo.data.dataset import Dataset
from zoo.data.opening import first_rows_and_names, open_dataset
from zoo.data.running_text import ENDING
from zoo.data.tokenization import in_chunks
from zoo.data.word_alignment import word_offsets
from zoo.readers.memory import DataInMemory, to_spec

LINES = 256  # lines of running text that are one text
FIELDS = ("tokens", "text", "source")  # record fields with the text of a corpus, the first that its rows have


@dataclass(frozen=True)
class CorpusText:
    """A text, with a tag for each word where the corpus brings tags."""

    text: str
    words: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), "int32"))  # (words, 2) characters
    tags: Sequence[str] = ()


def open_corpus(corpus: str | Path | DataInMemory) -> Dataset:
    """Open a corpus, whose text is a list of tokens, `text` or `source`, else the column with the longest texts.

    Raises UserError for whatever is wrong with the spec or the data, and where no column holds texts.
    """
    spec, columns = to_spec(corpus), {}
    rows, names = first_rows_and_names(spec)
    annotated = names.get("spans", "spans") in rows[0]  # spans of characters, which become tokens and tags
    known = [name for name in FIELDS if has_column(rows[0], names.get(name, name))]
    required = "tokens" if annotated else next(iter(known), "text")
    if not annotated and not known:
        columns = guess_columns(rows, {"text"}, names)
    optional = {"text", "tags", "spans", "ending"} - {required}
    return open_dataset(spec, columns, required=(required,), optional=optional, split_strategy="")


def texts_of(dataset: Dataset, running: bool) -> Iterator[CorpusText]:
    """Yield the texts of all splits that are not blank.

    Args:
        running: whether records are lines of running text: up to `LINES` of them are one text.
    """
    records = chain.from_iterable(map(dataset.records, dataset.splits))
    if running:
        lines = (_tagged(record).text + record.get("ending", ENDING) for record in records)
        texts = (CorpusText("".join(chunk)) for chunk in in_chunks(lines, LINES))
    else:
        texts = map(_tagged, records)
    yield from (text for text in texts if text.text.strip())


def _tagged(record: dict[str, Any]) -> CorpusText:
    words = record.get("tokens")
    if words is None:
        return CorpusText(record.get("text", record.get("source", "")))
    text, tags = record.get("text", ""), record.get("tags", ())
    offsets = _offsets_in(text, words)
    return (
        CorpusText(" ".join(words), word_offsets(words), tags) if offsets is None else CorpusText(text, offsets, tags)
    )


def _offsets_in(text, words):
    """(first, past-the-last) character of each word in a text; None where the text is not these words and blanks."""
    offsets, end = [], 0
    for word in words:
        start = text.find(word, end)
        if start < 0 or text[end:start].strip():
            return None
        end = start + len(word)
        offsets.append((start, end))
    return np.array(offsets, "int32").reshape(-1, 2) if not text[end:].strip() else None
