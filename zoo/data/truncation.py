"""Truncation statistics: how many texts are longer than a maximum length in tokens, and what length would hold them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from zoo.runtime.files import write_text
from zoo.text.template import Encoding
from zoo.text.tokenizer import Text, Tokenizer

FILE = "truncation.json"
SHARE = 0.95  # of the texts, which the suggested length holds whole


class TruncationCounter(Tokenizer):
    """A `Tokenizer` that counts the lengths of texts before it truncates them.

    `lengths` is {maximum length: {tokens of a text, special tokens included: number of texts}}.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer.backend, tokenizer.settings)
        self.lengths: dict[int, Counter[int]] = {}
        self._sizes: list[list[int]] = []  # of each column of texts, without special tokens

    def encode_batch(
        self,
        texts: Iterable[Text],
        pairs: Iterable[Text] | None = None,
        length: int | None = None,
        special: bool = True,
    ) -> list[Encoding]:
        """As of `Tokenizer`."""
        self._sizes.clear()
        encodings = super().encode_batch(texts, pairs, length, special)
        if length is not None:
            added = sum(map(len, self.template.special_ids(len(self._sizes)))) if special else 0
            self.lengths.setdefault(length, Counter()).update(
                sum(row) + added for row in zip(*self._sizes, strict=True)
            )
        return encodings

    def _ids_and_offsets(self, texts: Iterable[Text]) -> list[tuple[np.ndarray, np.ndarray]]:
        rows = super()._ids_and_offsets(texts)
        self._sizes.append([len(ids) for ids, _ in rows])
        return rows

    def save_lengths(self, folder: Path) -> None:
        """Write the lengths into a folder, for `truncation_messages`."""
        write_text(folder / FILE, json.dumps(self.lengths))


def has_lengths(folder: Path) -> bool:
    """Whether a folder has the lengths that `save_lengths` wrote."""
    try:
        return isinstance(_read_lengths(folder), dict)
    except (OSError, ValueError, RecursionError):
        return False


def _read_lengths(folder):
    return json.loads((folder / FILE).read_text(encoding="utf-8"))


def truncation_messages(folder: Path) -> Iterator[str]:
    """Yield a line for each maximum length, of those saved in a folder, that some texts exceed."""
    for limit, counts in _read_lengths(folder).items():
        lengths_of_texts = np.repeat([int(tokens) for tokens in counts], list(counts.values()))
        cut = int((lengths_of_texts > int(limit)).sum())
        if cut:
            enough = int(np.quantile(lengths_of_texts, SHARE, method="inverted_cdf"))
            hint = f"; {enough} tokens hold {SHARE:.0%} of the texts" if enough > int(limit) else ""
            share, total = cut / len(lengths_of_texts), len(lengths_of_texts)
            yield f"Truncated: {cut:,} of {total:,} training texts ({share:.1%}) are longer than {limit} tokens{hint}."
