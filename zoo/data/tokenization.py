"""Tokenisation, the second and last pass over a dataset: examples of its splits on disk, cached under a content hash."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from zoo.data.examples import key_types, save
from zoo.runtime.errors import UserError

CHUNK = 4096  # records tokenised at a time: bounds the memory, and keeps all cores busy
FORMAT = 2  # of the folders

Item = TypeVar("Item")


def tokenize_split(dataset, split: str, objective, tokenizer, cache: str | Path) -> Path:
    """The folder of a split's training examples, in `cache`; they are tokenised unless it holds them already.

    Raises UserError where the records of the split give no example at all.
    """
    folder = Path(cache) / _content_hash(dataset, split, objective, tokenizer)
    if not folder.is_dir():
        chunks = in_chunks(dataset.records(split))
        save(folder, (row for records in chunks for row in objective.examples(records, tokenizer)))
    if not key_types(folder):
        raise UserError(f"Expected text to learn from in {dataset.describe(split)}. Received: no example at all.")
    return folder


def _content_hash(dataset, split, objective, tokenizer):
    parts = (str(FORMAT), dataset.fingerprint(split), split, repr(objective), tokenizer.backend.to_str())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def in_chunks(records: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """Lists of up to `size` records."""
    records = iter(records)
    while chunk := list(islice(records, size)):
        yield chunk
