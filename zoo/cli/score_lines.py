"""Lines about a score: the records that it is of, its confidence interval, and the scores of baselines beside it."""

from collections.abc import Iterator
from typing import Any


def comparison_lines(comparison: Any) -> Iterator[str]:
    """The lines below a split's scores, of a `ScoreComparison`; none for None, of a model that was never scored."""
    if comparison is None:
        return
    for metric, baselines in comparison.baselines.items():
        yield f"{metric} of {', of '.join(f'{name} {_number(score)}' for name, score in baselines.items())}"
    noun = "record" if comparison.records == 1 else "records"
    of_records = f"{comparison.records:,} {noun} of {comparison.source}"
    if comparison.interval:
        low, high = map(_number, comparison.interval)
        yield f"{comparison.metric} is between {low} and {high} (95 %, {of_records})"
    else:
        yield of_records


def _number(value):
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
