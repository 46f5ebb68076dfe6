"""Advice at the end of a run: a best epoch that is the last, early stopping, and scores no better than a baseline's."""

from collections.abc import Iterator, Sequence

from zoo.pipeline.score_comparison import ScoreComparison
from zoo.presets import Training
from zoo.runtime.console import console
from zoo.training.baselines import CHANCE
from zoo.training.run_result import RunResult

LOWER_IS_BETTER = ("perplexity", "loss", "mse")


def print_advice(result: RunResult) -> None:
    """Print the advice on a run that was not interrupted, a line each, on standard error."""
    training = result.pipeline.preset.training
    comparison = result.pipeline.baselines["validation"]
    lines = [*score_advice(comparison)]
    if comparison.metric in LOWER_IS_BETTER or comparison.score < 1:  # a perfect score cannot rise
        lines = [*length_advice([row["epoch"] for row in result.history], result.best_epoch, training), *lines]
    for line in lines:
        console.print(line, markup=False)


def length_advice(epochs: Sequence[float], best: float, training: Training) -> Iterator[str]:
    """Advice on the length of a run.

    Args:
        epochs: of each validation, ascending.
        best: of the weights that were kept.
    """
    after_best = sum(epoch > best for epoch in epochs)
    if not after_best:
        if training.max_steps:
            longer = f"training.max_steps={2 * training.max_steps}"
        else:
            longer = f"training.epochs={2 * training.epochs}"
        yield f"The best epoch was the last, {best:g}: a longer run may score better. Go on with {longer} (--resume)."
    elif training.patience and after_best >= training.patience:
        yield (
            f"Stopped early at epoch {epochs[-1]:g}: no better score in {after_best} validations, "
            f"training.patience={training.patience}. The weights are those of epoch {best:g}."
        )


def score_advice(comparison: ScoreComparison) -> Iterator[str]:
    """Advice on a validation score that is at chance, or below the best baseline."""
    scores = dict(comparison.baselines.get(comparison.metric, {}))
    chance = scores.pop(CHANCE, None)
    sign = -1 if comparison.metric in LOWER_IS_BETTER else 1
    # the end of the interval nearer to bad scores: only above it is a score better than chance
    worst = min((sign * value for value in comparison.interval or ()), default=sign * comparison.score)
    score = f"{comparison.metric} {comparison.score:.4f} on validation"
    if chance is not None and worst <= sign * chance:
        yield (
            f"{score} is no better than chance, {chance:.4f}. Look at the labels and columns of the data (--columns), "
            "training.learning_rate (ten times lower or higher), objective.length and the balance of the classes."
        )
    elif scores:
        name, best = max(scores.items(), key=lambda pair: sign * pair[1])
        if sign * comparison.score < sign * best:
            yield (
                f"{score} is worse than {best:.4f} of {name}. Try more training.epochs, another "
                "training.learning_rate, or a pretrained network by --from."
            )
