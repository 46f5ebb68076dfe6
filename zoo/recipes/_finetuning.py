"""Fine-tuning in recipes: whether pretrained weights suit the data and the time budget, and with which settings."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from zoo.data.statistics import DataStatistics
from zoo.objectives import Objective
from zoo.presets import Preset, Training, Tuning
from zoo.recipes._recipe import (
    Choice,
    Resources,
    duration,
    epochs_for,
    matrix_weights,
    maximum_length,
    total_lengths,
    training_rows,
)
from zoo.runtime.errors import UserError
from zoo.tokenizers.pretrained import Pretrained

LEAST_EPOCHS = 2  # fewer passes over the data do not adapt pretrained weights
MOST_EPOCHS = 12
STEPS = 600  # optimizer steps that small data is repeated for
MOST_TOKENS = 2.5  # tokens of a word, above which the tokenizer is of another language
LONGEST = 512  # tokens


def finetune(
    objective: Objective, data: DataStatistics, resources: Resources, texts: Sequence[str], least: int = LEAST_EPOCHS
) -> tuple[Choice | None, str]:
    """`(choice, reason)`: a preset that fine-tunes the pretrained weights, or None and the reason against it.

    Weights that the user asked for are always used. Raises UserError where these do not suit the objective.

    Args:
        objective: its length is set here.
        texts: the fields of the input.
        least: epochs that the time budget must allow.
    """
    network: Any = resources.pretrained
    reason = _misfit(objective, resources)
    if reason:
        return None, reason
    objective, tokens = _with_length(objective, data, resources, texts)
    rows = training_rows(data)
    batch_size = 16 if rows < 4000 else 32
    seconds = resources.seconds(matrix_weights(network), tokens * rows, rows // batch_size, resources.precision)
    most = epochs_for(STEPS, batch_size, rows, 4, MOST_EPOCHS)
    epochs = resources.epochs(seconds, most)
    if resources.requested:
        epochs = max(epochs, 1)
    elif epochs < least:
        minutes = least * seconds / 60
        return None, f"fine-tuning would take about {minutes:.0f} minutes: --budget {minutes * 1.3:.0f}m allows it"
    training = Training(
        init=resources.init,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=_learning_rate(network),
        warmup=0.1,
        patience=0,
        precision=resources.precision,
    )
    preset = Preset(
        architecture=network,
        objective=objective,
        tokenizer=Pretrained(),
        training=training,
        tuning=Tuning(layer_decay=0.9),
    )
    time = f"{duration(epochs, seconds)}, in {resources.precision}"
    return Choice(preset, (f"fine-tunes {resources.name}", time)), ""


def _misfit(objective, resources):
    """Why the pretrained weights are not used; "" where they suit."""
    network = resources.pretrained
    if network is None:
        return "no pretrained weights at hand (--from FOLDER)"
    try:
        objective.check_architecture(network)
    except UserError as error:
        if resources.requested:
            raise
        return f"{resources.name} does not suit: {error}"
    if resources.tokens_per_word > MOST_TOKENS and not resources.requested:
        needed = f"{resources.tokens_per_word:.1f} tokens for a word"
        return f"the tokenizer of {resources.name} needs {needed} of this data: it is of another language"
    return ""


def _with_length(objective, data, resources, texts):
    """(the objective with the length of the data, mean tokens of an example)."""
    lengths, limit = total_lengths(data, texts), min(getattr(resources.pretrained, "length", LONGEST), LONGEST)
    length = maximum_length(lengths, resources.tokens_per_word, extra=4, limit=limit)
    changes = {"length": length}
    if "target" in data.words and any(field.name == "target_length" for field in fields(objective)):
        target = maximum_length(data.words["target"], resources.tokens_per_word, extra=2, limit=limit)
        changes = {"length": max(length, target), "target_length": target}
    mean = min((lengths.median + lengths.p95) / 2 * resources.tokens_per_word + 4, length)
    return replace(objective, **changes), round(mean)


def _learning_rate(network):
    """The peak learning rate: 2e-4 for networks as small as MiniLM, 384 wide, and less for wider ones.

    Devlin 2018, arXiv:1810.04805, appendix A.3: 2e-5 to 5e-5 for BERT of width 768 and 1024.
    """
    width = getattr(network, "width", 0)
    return 2e-4 if width <= 512 else 5e-5 if width <= 768 else 2e-5
