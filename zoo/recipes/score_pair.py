"""Scores of your own pairs of texts, such as similarity: fine-tuned pretrained weights, or a Transformer encoder.

zoo train score_pair --data DATA
"""

from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.objectives.score_pair import ScorePair
from zoo.presets import Preset, Training
from zoo.recipes import Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import (
    epochs_for,
    matrix_weights,
    maximum_length,
    total_lengths,
    train_from_scratch,
    training_rows,
)
from zoo.tokenizers.words import Words

STEPS = 1500  # optimizer steps that small data is repeated for


class ScorePairRecipe(Recipe):
    """A number for each pair of texts."""

    fields = ("text", "text_pair", "label")

    def choose(self, data, resources):
        choice, reason = finetune(ScorePair(), data, resources, ("text", "text_pair"))
        if choice:
            return choice
        rows = training_rows(data)
        preset = Preset(
            architecture=TransformerEncoder(width=64, depth=2, heads=4, hidden=128, embedding_dropout=0.3),
            objective=ScorePair(length=maximum_length(total_lengths(data, ("text", "text_pair")), extra=4, limit=512)),
            tokenizer=Words(vocabulary=10_000),
            training=Training(epochs=epochs_for(STEPS, 32, rows, 5, 30), learning_rate=1e-3),
        )
        tokens = rows * total_lengths(data, ("text", "text_pair")).p95
        seconds = resources.seconds(matrix_weights(preset.architecture), tokens, rows // preset.training.batch_size)
        return train_from_scratch(preset, seconds, resources, (reason, "a small Transformer encoder of both texts"))
