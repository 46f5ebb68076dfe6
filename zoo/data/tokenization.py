"""Tokenisation, the second pass over a dataset: the examples of its splits on disk, cached under a content hash."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from zoo.data.cached_tokenizer import CachedTokenizer
from zoo.data.dataset import Dataset
from zoo.data.examples import array_writer, is_intact, key_types
from zoo.data.stored_records import StoredRecords, add_record
from zoo.data.truncation import TruncationCounter, has_lengths
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder
from zoo.runtime.leftovers import remove_leftovers
from zoo.text.tokenizer import Tokenizer

CHUNK = 4096  # records tokenised at a time: bounds the memory, and keeps all cores busy
FORMAT = 4  # version of the folders' format

Item = TypeVar("Item")


@dataclass(frozen=True)
class TokenizedData:
    """A dataset on disk: the examples of the training split, the records and encodings of the other splits."""

    train: Path  # folder of `zoo.data.examples.Examples`
    records: dict[str, StoredRecords]  # of the held-out splits
    tokenizer: CachedTokenizer  # encodes the records of the held-out splits from disk


def tokenize(dataset: Dataset, objective: Any, tokenizer: Tokenizer, cache: str | Path) -> TokenizedData:
    """Tokenise all splits of a dataset in one pass, except those that the folder `cache` already holds.

    Folders that were damaged since are written again. Raises UserError where the training split has no example.
    """
    cache = Path(cache)
    remove_leftovers(cache)
    cached = CachedTokenizer(tokenizer, cache / f"encodings-{_hash(tokenizer.identity)}")
    settings = repr(objective), tokenizer.identity
    folders = {
        split: cache / _hash(str(FORMAT), split, dataset.fingerprint(split), *settings * (split == "train"))
        for split in dataset.splits
    }
    missing = {split: folder for split, folder in folders.items() if not _is_intact(split, folder)}
    counter = TruncationCounter(tokenizer)
    with ExitStack() as stack:
        writers = {
            split: stack.enter_context(array_writer(stack.enter_context(atomic_folder(folder, folder.exists()))))
            for split, folder in missing.items()
        }
        for split, records in _chunks_by_split(dataset, missing):
            if split == "train":
                for example in objective.examples(records, counter):
                    writers[split].add(example)
            else:
                for record in records:
                    add_record(writers[split], record)
                deque(objective.examples(records, cached, train=False), maxlen=0)  # fills its cache
        if "train" in writers:
            counter.save_lengths(writers["train"].folder)
    if not key_types(folders["train"]):
        raise UserError(f"Expected text to learn from in {dataset.describe('train')}. Received: no example.")
    held_out = {split: StoredRecords(folder) for split, folder in folders.items() if split != "train"}
    return TokenizedData(folders["train"], held_out, cached)


def _is_intact(split, folder):
    intact = is_intact(folder) and (split != "train" or has_lengths(folder))
    if folder.exists() and not intact:
        console.print(f"Damaged, and written again: the cache {folder} of the {split} split.", markup=False)
    return intact


def _chunks_by_split(dataset, splits):
    """Yield (split, up to `CHUNK` of its records) of some splits, in one pass."""
    chunks = {split: [] for split in splits}
    for split, _, record in dataset.visit(tuple(splits)):
        chunks[split].append(record)
        if len(chunks[split]) == CHUNK:
            yield split, chunks[split]
            chunks[split] = []
    yield from ((split, records) for split, records in chunks.items() if records)


def _hash(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def in_chunks(records: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """Yield lists of up to `size` records."""
    records = iter(records)
    while chunk := list(islice(records, size)):
        yield chunk
