"""The contract of an experiment of the course: claims, a measurement for each seed, findings and a figure."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.runtime.field_comments import DocumentedFields

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]  # a line of the CSV file: {column: number or text}


@dataclass(frozen=True)
class Finding:
    """What was measured about a claim, and whether the claim holds."""

    claim: str  # one sentence of the course
    measured: str  # the numbers that decide, in one line
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Experiment(DocumentedFields, ABC):
    """An experiment of the course. The fields of a subclass are its sizes; `SMALL`, in its module, is for tests.

    Class attributes:
        number: the position of the experiment in the course, from 1.
        seeded: whether a seed changes the rows; without, one seed is enough.
        untested: claims that no test checks, because they do not hold, or hold on a quiet machine alone (time).
    """

    number: ClassVar[int]
    seeded: ClassVar[bool] = True
    untested: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def measure(self, seed: int) -> list[Row]:
        """The rows of one seed: {column: number or text}, the same columns in each row."""

    @abstractmethod
    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        """A finding for each claim, from the rows of all seeds, which have the column `seed` too."""

    @abstractmethod
    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        """Draw the rows of all seeds into an empty figure of matplotlib."""
