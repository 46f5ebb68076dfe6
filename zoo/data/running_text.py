"""Running text: records concatenated to one stream of token ids, which is cut into chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.text.tokenizer import Tokenizer

ENDING = "\n"  # after a record that has no `ending` of its own


@dataclass(frozen=True)
class TokenStream:
    """Token ids of running text."""

    ids: np.ndarray  # (n,) int32
    record_ids: np.ndarray  # (n,) int32: the number of each token's record
    word_ids: np.ndarray  # (n,) int32: the number of each token's word in the stream

    def __len__(self) -> int:
        return len(self.ids)


def concatenate(records: Sequence[dict], tokenizer: Tokenizer) -> TokenStream:
    """Concatenate records to a token stream: each `text`, then its `ending`, by default a line break.

    A tokenizer without line breaks, such as a tokenizer of words, has its end token in place of each.
    """
    encodings = tokenizer.encode_batch([record["text"] for record in records], special=False)
    endings = [record.get("ending", ENDING) for record in records]
    breaks = {ending: _line_breaks(ending, tokenizer) for ending in set(endings)}
    parts = [(encoding.ids, breaks[ending]) for encoding, ending in zip(encodings, endings, strict=True)]
    record_ids = np.repeat(np.arange(len(records)), [len(ids) + len(after) for ids, after in parts])
    ids = np.concatenate([array for part in parts for array in part])
    begins = np.concatenate([flags for part in zip(encodings, parts, strict=True) for flags in _begins(*part)])
    return TokenStream(ids.astype("int32"), record_ids.astype("int32"), np.cumsum(begins, dtype="int32"))


def _line_breaks(ending, tokenizer):
    ids = tokenizer.encode(ending, special=False).ids
    return ids if len(ids) else np.full(ending.count("\n"), tokenizer.end, "int32")


def _begins(encoding, part):
    """Where words begin: a token that does not touch the token before it. Every token of an ending is a word."""
    start, end = encoding.offsets[:, 0], encoding.offsets[:, 1]
    return np.append(True, start[1:] > end[:-1])[: len(encoding)], np.ones(len(part[1]), bool)


def with_special_tokens(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """Ids, (n,), between the tokenizer's start and end tokens, [CLS] and [SEP]: (n + 2,) int32."""
    return np.array([tokenizer.start, *ids, tokenizer.end], "int32")


def chunk_stream(size: int, length: int, context: int = 0) -> Iterator[tuple[int, int, int]]:
    """Cut a stream of `size` ids: yield (start, first new, end) of chunks of up to `length` ids, in order.

    The ids from `start` to `first new`, up to `context` of them, are context: they are in the chunk before as well.
    """
    new = 0
    while new < size:
        start = max(0, new - context)
        end = min(start + length, size)
        yield start, new, end
        new = end
