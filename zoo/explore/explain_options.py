"""The options of an explanation, and the checks of what a user gives for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from zoo.readers.memory import DataInMemory
from zoo.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """What an explanation holds beside the views that need no choice: the arguments of `Pipeline.explain`.

    Raises UserError for values of another type, numbers below 1, and for options of a corpus without one.
    """

    neurons: Sequence[int] | None = None
    mask: Sequence[int] | Literal["auto"] = "auto"
    max_new_tokens: int = 16
    beams: int = 4
    corpus: str | Path | DataInMemory | None = None
    layers: Sequence[int] = ()
    heads: Sequence[tuple[int, int]] = ()
    tagger: str | Path | None = None

    def __post_init__(self):
        for name in ("max_new_tokens", "beams"):
            if not _is_integer(value := getattr(self, name)) or value < 1:
                raise UserError(f"Expected a number from 1 in {name}. Received: {value!r}.")
        for name, default in (("neurons", None), ("mask", "auto"), ("layers", ())):
            value = getattr(self, name)
            is_default = isinstance(value, str | None) and value == default
            if not (is_default or _are_integers(value)):
                raise UserError(f"Expected a list of numbers in {name}, such as [0, 3]. Received: {value!r}.")
        pairs = self.heads if isinstance(self.heads, Sequence) else [self.heads]
        if not all(_are_integers(pair) and len(pair) == 2 for pair in pairs):
            raise UserError(f"Expected pairs (layer, head) in heads, such as [(3, 5)]. Received: {self.heads!r}.")
        for name in ("layers", "heads", "tagger"):
            if (value := getattr(self, name)) and self.corpus is None:
                raise UserError(f"Expected corpus beside {name}. Received: {name}={value!r} alone.")


def _are_integers(values: Any) -> bool:
    return not isinstance(values, str) and isinstance(values, Sequence) and all(map(_is_integer, values))


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
