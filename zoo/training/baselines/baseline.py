"""The contract of baselines: simple predictors, fitted on the training records, that a model is compared with.

`baselines_of` has an implementation for each type of objective, in a file beside this one; an objective of another type
has no baselines, one of a subclass those of its base class.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from zoo.data.dataset import Dataset
from zoo.data.examples import ArrayStore
from zoo.objectives import Calibrates, Objective
from zoo.text.tokenizer import Tokenizer

MAX_ROWS = 20_000  # training records that a baseline is fitted on
CHANCE = "chance"

Scores = dict[str, float]
Baseline = Callable[[Sequence[dict]], Scores]  # the scores on held-out records


@dataclass(frozen=True)
class BaselineData:
    """What baselines are fitted and scored on."""

    dataset: Dataset
    splits: Mapping[str, Sequence[dict]]  # the records of the held-out splits; thresholds are calibrated on validation
    examples: ArrayStore  # the tokenized training examples
    tokenizer: Tokenizer

    def records(self) -> Iterator[dict]:
        """Yield the training records, from the first on at each call."""
        return self.dataset.records("train")


@dataclass(frozen=True)
class Sample:
    """A random sample of the training records."""

    rows: list[Any]
    total: int

    @property
    def suffix(self) -> str:
        """For the name of a baseline: the size of the sample, where that is not all records."""
        return f" on {len(self.rows):,} of {self.total:,} records" if len(self.rows) < self.total else ""


def sample(rows: Iterable[Any], size: int = MAX_ROWS) -> Sample:
    """A sample of up to `size` rows, the same at each call: reservoir sampling (Vitter 1985, doi:10.1145/3147.3165)."""
    rng, reservoir, total = random.Random(0), [], 0
    for row in rows:
        total += 1
        if len(reservoir) < size:
            reservoir.append(row)
        elif (slot := rng.randrange(total)) < size:
            reservoir[slot] = row
    return Sample(reservoir, total)


@singledispatch
def baselines_of(objective: Objective, data: BaselineData) -> dict[str, Baseline]:
    """{name: baseline} of a prepared objective; none for a type without baselines."""
    return {}


def scored(objective: Any, data: BaselineData, decide: Callable[[Sequence[dict]], list[dict]]) -> Baseline:
    """The baseline that scores the decisions of `decide` as the objective scores those of a model.

    Args:
        decide: returns a decision for each record, in the form of `objective.decide`.
    """
    if isinstance(objective, Calibrates):
        validation = data.splits["validation"]
        objective = objective.calibrate(decide(validation), validation)
    return lambda records: objective.scores(decide(records), records)
