"""Tables of scores in the model card, as Markdown: all scores by split, and the monitored ones beside baselines."""

from collections.abc import Mapping

from zoo.pipeline.score_comparison import ScoreComparison
from zoo.training.markdown import markdown_table
from zoo.training.run_record import public_description


def scores_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Scores, {split: {metric: value}}, as a Markdown table.

    A split may lack a score, such as the scores of questions without an answer.
    """
    names = list(dict.fromkeys(name for values in scores.values() for name in values))
    rows = [{"split": split} | {name: values.get(name, "") for name in names} for split, values in scores.items()]
    return markdown_table(rows)


def baselines_table(comparisons: Mapping[str, ScoreComparison], spec: str) -> str:
    """The monitored score of each split, {split: comparison}, with its confidence interval, records and baselines.

    Args:
        spec: of the data, whose folder is left out.

    Returns a paragraph of Markdown with the table; "" without comparisons.
    """
    if not comparisons:
        return ""
    return "\n\n" + markdown_table(_baseline_row(split, comparison, spec) for split, comparison in comparisons.items())


def _baseline_row(split, comparison, spec):
    baselines = (
        f"{metric} of {name} {value:.4f}"
        for metric, values in comparison.baselines.items()
        for name, value in values.items()
    )
    return {
        "split": split,
        "score": f"{comparison.metric} {comparison.score:.4f}",
        "95 % interval": " to ".join(f"{value:.4f}" for value in comparison.interval or ()),
        "records": f"{comparison.records} of {public_description(comparison.source, spec)}",
        "baselines": "; ".join(baselines),
    }
