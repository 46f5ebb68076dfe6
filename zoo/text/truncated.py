"""Truncation count: how many texts an encoding cut to a maximum length, for a line at the end of a command."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class TruncationCount:
    """Texts that were encoded to a maximum length, and how many of them were cut."""

    texts: int = 0
    cut: Counter[int] = field(default_factory=Counter)  # {maximum length in ids: texts that were longer}

    def add(self, texts: int, cut: Mapping[int, int]) -> None:
        """Add the numbers of another count."""
        self.texts += texts
        self.cut.update(cut)

    def messages(self) -> Iterator[str]:
        """Yield a line for each maximum length that some texts exceed."""
        for length, count in sorted((+self.cut).items()):
            yield f"Truncated: {count:,} of {self.texts:,} texts are longer than {length} tokens (objective.length)."


_COUNT: ContextVar[TruncationCount | None] = ContextVar("truncation_count", default=None)


@contextmanager
def counted_truncation() -> Iterator[TruncationCount]:
    """Count the texts that tokenizers cut within the block."""
    count = TruncationCount()
    token = _COUNT.set(count)
    try:
        yield count
    finally:
        _COUNT.reset(token)


def count_truncated(sizes: list[int], length: int) -> None:
    """Count rows of `sizes` ids each, special ids included, that are cut to `length` ids."""
    count = _COUNT.get()
    if count is not None:
        count.texts += len(sizes)
        count.cut[length] += sum(size > length for size in sizes)
