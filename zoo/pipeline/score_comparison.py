"""The monitored score of a split with what says its worth: its records, its confidence interval, its baselines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.metrics import intervals
from zoo.objectives import Objective


@dataclass(frozen=True)
class ScoreComparison:
    """A score with its 95 % confidence interval, the records that it is of, and the scores of baselines on the same."""

    metric: str  # the objective's `monitor`
    score: float
    records: int
    source: str  # of the records, and how their split was derived: `Dataset.describe`
    interval: tuple[float, float] | None = None  # None where the bootstrap takes too long
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)  # {metric: {name of a baseline: score}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ScoreComparison":
        """The comparison of a dict that `dataclasses.asdict` made. Raises TypeError for other keys."""
        comparison = cls(**values)
        return replace(comparison, interval=tuple(comparison.interval)) if comparison.interval else comparison


def compare(
    objective: Objective,
    decisions: Sequence[dict[str, Any]],
    records: Sequence[dict[str, Any]],
    scores: Mapping[str, float],
    source: str,
    earlier: Iterable[ScoreComparison] = (),
) -> ScoreComparison:
    """The comparison of the `scores` of decisions, one for each record.

    Args:
        source: of the records: `Dataset.describe`.
        earlier: comparisons of the same task; the baselines of the same records are taken from them.
    """
    metric = objective.monitor
    interval = _interval(objective, decisions, records, scores[metric]) if len(records) else None
    same = (other.baselines for other in earlier if (other.source, other.records) == (source, len(records)))
    return ScoreComparison(metric, scores[metric], len(records), source, interval, next(same, {}))


def _interval(objective, decisions, records, score):
    metric = objective.monitor
    if metric in objective.proportions:
        return intervals.wilson(score, len(records))
    records = list(records)
    if metric in objective.means:
        pairs = zip(decisions, records, strict=True)
        return intervals.bootstrap_mean([objective.scores([decision], [record])[metric] for decision, record in pairs])

    def resampled(indices):
        return objective.scores([decisions[i] for i in indices], [records[i] for i in indices])[metric]

    return intervals.bootstrap(resampled, len(records))
