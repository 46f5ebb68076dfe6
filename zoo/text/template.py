"""Special-token template of a tokenizer, and the truncation of texts that are too long.

Truncation: a single text keeps its beginning. A pair loses ids from the end of the longer text, one at a time, and from
the second text where both are equally long; so the two texts share the length evenly, and a short text stays complete.
The export does the same in a TensorFlow graph: `zoo.export.tokenizer.graph_tokenizer`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers

from zoo.runtime.errors import UserError


@dataclass(frozen=True, eq=False)
class Encoding:
    """The ids of a text or of a pair of texts, with segments and character offsets."""

    ids: np.ndarray  # (n,) int32
    segments: np.ndarray  # (n,) int32: 0 or 1, the text; a special token belongs to the text before it
    offsets: np.ndarray  # (n, 2) int32: first and past-the-last character in the token's own text; (0, 0) if special

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class SpecialTokenTemplate:
    """The special ids around a single text and around a pair of texts."""

    single: tuple[tuple[int, ...], ...] = ((), ())  # ids before, after
    pair: tuple[tuple[int, ...], ...] = ((), (), ())  # ids before, between, after

    def special_ids(self, texts: int, length: int | None = None) -> tuple[tuple[int, ...], ...]:
        """The special ids before, between and after 1 or 2 `texts`.

        Raises `UserError` if `length`, in ids, is less than their number.
        """
        special = self.single if texts == 1 else self.pair
        count = sum(map(len, special))
        if length is not None and length < count:
            raise UserError(f"length must be at least {count}, for the special tokens. Received: length={length}")
        return special

    def assemble(self, texts: Sequence[tuple[np.ndarray, np.ndarray]], length: int | None = None) -> Encoding:
        """Join 1 or 2 texts, `(ids, offsets)` each, and the special ids into an `Encoding` of at most `length` ids.

        Raises `UserError` if `length` is less than the number of special ids.
        """
        special = self.special_ids(len(texts), length)
        if length is not None:
            counts = truncated_lengths([len(ids) for ids, _ in texts], length - sum(map(len, special)))
            texts = [(ids[:n], offsets[:n]) for (ids, offsets), n in zip(texts, counts, strict=True)]
        runs = [(special[0], np.zeros((len(special[0]), 2), np.int32), 0)]
        for segment, ((ids, offsets), after) in enumerate(zip(texts, special[1:], strict=True)):
            runs += [(ids, offsets, segment), (after, np.zeros((len(after), 2), np.int32), segment)]
        return Encoding(
            np.concatenate([np.asarray(ids, np.int32) for ids, _, _ in runs]),
            np.concatenate([np.full(len(ids), segment, np.int32) for ids, _, segment in runs]),
            np.concatenate([offsets for _, offsets, _ in runs]),
        )


def truncated_lengths(counts: Sequence[int], limit: int) -> list[int]:
    """The lengths, in ids, to which 1 or 2 texts of `counts` ids are truncated, so that the sum is at most `limit`."""
    if len(counts) == 1:
        return [min(counts[0], limit)]
    a, b = counts
    return [min(a, max(limit - b, limit - limit // 2)), min(b, max(limit - a, limit // 2))]


def template_of(backend: tokenizers.Tokenizer) -> SpecialTokenTemplate:
    """The template of a `tokenizers.Tokenizer`, derived from the ids of a text and of a pair of texts."""
    return SpecialTokenTemplate(_special_runs(backend.encode("a"), 1), _special_runs(backend.encode("a", "a"), 2))


def _special_runs(encoding: tokenizers.Encoding, texts: int) -> tuple[tuple[int, ...], ...]:
    """The special ids before, between and after 1 or 2 `texts`."""
    runs: list[list[int]] = [[] for _ in range(texts + 1)]
    texts_so_far = 0
    for id, text in zip(encoding.ids, encoding.sequence_ids, strict=True):
        if text is None:
            runs[texts_so_far].append(id)
        else:
            texts_so_far = text + 1
    return tuple(map(tuple, runs))
