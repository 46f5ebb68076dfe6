"""Scores of the baselines of a trained model on the held-out splits."""

from dataclasses import replace

from zoo.objectives import Objective
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import console
from zoo.runtime.errors import single_line
from zoo.training.baselines.baseline import BaselineData, baselines_of


def with_baselines(pipeline: Pipeline, data: BaselineData) -> Pipeline:
    """A scored pipeline with the scores of its baselines on the same records."""
    try:
        scores = baseline_scores(pipeline.objective, data)
    except Exception as error:  # whatever happens: a trained model is saved without its baselines
        console.print(f"No baselines: {type(error).__name__}: {single_line(str(error)):.200}", markup=False)
        return pipeline
    comparisons = pipeline.baselines.items()
    return replace(
        pipeline, baselines={split: replace(comparison, baselines=scores[split]) for split, comparison in comparisons}
    )


def baseline_scores(objective: Objective, data: BaselineData) -> dict[str, dict[str, dict[str, float]]]:
    """{split: {metric: {name of a baseline: score}}}: of the monitored metric, or of a baseline's first without it."""
    by_split: dict[str, dict[str, dict[str, float]]] = {split: {} for split in data.splits}
    for name, baseline in baselines_of(objective, data).items():
        for split, records in data.splits.items():
            scores = baseline(records)
            metric = objective.monitor if objective.monitor in scores else next(iter(scores))
            by_split[split].setdefault(metric, {})[name] = float(scores[metric])
    return by_split
