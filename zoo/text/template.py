"""Where special tokens stand around texts, and what is cut when ids are too many.

The rule for too many ids: one text keeps its beginning. Of a pair, the longer text loses its last id, again and again,
the second text where both are equally long; so a pair shares the room evenly and a short text is kept whole.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Encoding:
    """The ids of a text or a pair, and where each came from."""

    ids: np.ndarray  # (n,) int32
    segments: np.ndarray  # (n,) int32: 0 or 1, the text; a special token belongs to the text before it
    offsets: np.ndarray  # (n, 2) int32: first and past-the-last character in the token's own text; (0, 0) if special

    def __len__(self):
        return len(self.ids)


@dataclass(frozen=True)
class SpecialTokenTemplate:
    """The special ids around one text and around a pair."""

    single: tuple = ((), ())  # ids before, after
    pair: tuple = ((), (), ())  # ids before, between, after

    def around(self, parts, length=None):
        """Return the special ids around `parts` texts. Raises `ValueError` if `length` has no room for them."""
        special = self.single if parts == 1 else self.pair
        count = sum(map(len, special))
        if length is not None and length < count:
            raise ValueError(f"length must be at least {count}, for the special tokens. Received: length={length}")
        return special

    def arrange(self, parts, length=None):
        """Join one or two `(ids, offsets)` with the special ids into an `Encoding` of at most `length` ids."""
        special = self.around(len(parts), length)
        if length is not None:
            room = length - sum(map(len, special))
            kept = keep([len(ids) for ids, _ in parts], room)
            parts = [(ids[:n], offsets[:n]) for (ids, offsets), n in zip(parts, kept, strict=True)]
        runs = [(special[0], np.zeros((len(special[0]), 2), np.int32), 0)]
        for segment, (part, after) in enumerate(zip(parts, special[1:], strict=True)):
            runs += [(*part, segment), (after, np.zeros((len(after), 2), np.int32), segment)]
        return Encoding(
            np.concatenate([np.asarray(ids, np.int32) for ids, _, _ in runs]),
            np.concatenate([np.full(len(ids), segment, np.int32) for ids, _, segment in runs]),
            np.concatenate([offsets for _, offsets, _ in runs]),
        )


def keep(counts, room, smaller=min, larger=max):
    """Return how many ids of each of one or two texts with `counts` ids stay, so that they are at most `room`.

    `smaller` and `larger` of two numbers; given those of TensorFlow, the counts may be tensors of many texts.
    """
    if len(counts) == 1:
        return [smaller(counts[0], room)]
    first, second = counts
    return [
        smaller(first, larger(room - second, room - room // 2)),
        smaller(second, larger(room - first, room // 2)),
    ]


def read_layout(rust):
    """Return the `SpecialTokenTemplate` of a `tokenizers.Tokenizer`, found by letting it put its special tokens around two texts."""
    return SpecialTokenTemplate(_runs(rust.encode("a"), 1), _runs(rust.encode("a", "a"), 2))


def _runs(encoding, parts):
    """Return the special ids before, between and after `parts` texts."""
    runs, part = [[] for _ in range(parts + 1)], 0
    for id, sequence in zip(encoding.ids, encoding.sequence_ids, strict=True):
        if sequence is None:
            runs[part].append(id)
        else:
            part = sequence + 1
    return tuple(map(tuple, runs))
