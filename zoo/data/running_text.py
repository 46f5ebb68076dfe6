"""Running text: the ids of many records one after the other, cut into windows of the length that a network reads."""

from dataclasses import dataclass

import numpy as np

ENDING = "\n"  # after a record that does not say what ends it


@dataclass(frozen=True)
class Stream:
    """Ids of running text."""

    ids: np.ndarray  # (n,) int32
    owners: np.ndarray  # (n,) int32: the number of the record that each comes from
    words: np.ndarray  # (n,) int32: a number that changes where another word begins

    def __len__(self):
        return len(self.ids)


def join(records, tokenizer):
    """One stream of a list of records: each one's `text` and then its `ending`, a line break unless it says otherwise.

    Line breaks that a tokenizer does not read, as one of words does not, become its separator, one for each.
    """
    encodings = tokenizer.encode_batch([record["text"] for record in records], special=False)
    endings = [record.get("ending", ENDING) for record in records]
    breaks = {ending: _break(ending, tokenizer) for ending in set(endings)}
    parts = [(encoding.ids, breaks[ending]) for encoding, ending in zip(encodings, endings, strict=True)]
    owners = np.repeat(np.arange(len(records)), [len(ids) + len(after) for ids, after in parts])
    ids = np.concatenate([array for part in parts for array in part])
    begins = np.concatenate([flags for part in zip(encodings, parts, strict=True) for flags in _begins(*part)])
    return Stream(ids.astype("int32"), owners.astype("int32"), np.cumsum(begins, dtype="int32"))


def _break(ending, tokenizer):
    ids = tokenizer.encode(ending, special=False).ids
    return ids if len(ids) else np.full(ending.count("\n"), tokenizer.separator, "int32")


def _begins(encoding, part):
    """Where a word begins: at a token that does not touch the one before. Every token of an ending is a word."""
    first, last = encoding.offsets[:, 0], encoding.offsets[:, 1]
    return np.append(True, first[1:] > last[:-1])[: len(encoding)], np.ones(len(part[1]), bool)


def between(ids, tokenizer):
    """Ids between the tokenizer's first token and its separator, [CLS] and [SEP]."""
    return np.concatenate([[tokenizer.first], ids, [tokenizer.separator]]).astype("int32")


def windows(size, length, context=0):
    """Cut a stream of `size` ids: yield (start, first new, end) of windows of up to `length` ids, in order.

    The ids from `start` to `first new` were in the window before as well: up to `context` of them.
    """
    new = 0
    while new < size:
        start = max(0, new - context)
        end = min(start + length, size)
        yield start, new, end
        new = end
