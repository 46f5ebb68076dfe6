"""The contract of baselines: simple predictors, fitted on the training records, that a model is compared with.

`baselines_of` has an implementation for each type of objective, in a file beside this one; an objective of another type
has no baselines, one of a subclass those of its base class.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from zoo.data.examples import ArrayStore
from zoo.data.record_sample import RecordSample
from zoo.objectives import Calibrates, Objective
from zoo.text.tokenizer import Tokenizer

CHANCE = "chance"

Scores = dict[str, float]
Baseline = Callable[[Sequence[dict]], Scores]  # the scores on held-out records


@dataclass(frozen=True)
class BaselineData:
    """What baselines are fitted and scored on."""

    sample: RecordSample  # of the training records
    splits: Mapping[str, Sequence[dict]]  # the records of the held-out splits; thresholds are calibrated on validation
    examples: ArrayStore  # the tokenized training examples
    tokenizer: Tokenizer


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
