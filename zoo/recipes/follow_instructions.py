"""Instruction tuning on your own dialogues: pretrained weights of a decoder, or a small GPT from scratch.

zoo train follow_instructions --data DATA --from FOLDER
"""

from zoo.architectures.gpt2 import GPT2
from zoo.objectives.follow_instructions import FollowInstructions
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
from zoo.tokenizers.byte_pairs import BytePairs

STEPS = 1500  # optimizer steps that small data is repeated for


class FollowInstructionsRecipe(Recipe):
    """An answer to each instruction, or to each turn of a conversation."""

    fields = ("instruction", "output")

    def fields_of(self, available):
        return ("messages",) if "messages" in available else self.fields

    def choose(self, data, resources):
        texts = ("messages",) if "messages" in data.fields else ("instruction", "input", "output")
        choice, reason = finetune(FollowInstructions(), data, resources, texts, least=1)
        return choice or _from_scratch(data, resources, texts, reason)


def _from_scratch(data, resources, texts, reason):
    length = maximum_length(total_lengths(data, texts), 1.5, extra=32, limit=512)
    rows = training_rows(data)
    preset = Preset(
        architecture=GPT2(width=192, depth=4, heads=6, hidden=768, length=length, dropout=0.1),
        objective=FollowInstructions(length=length, max_new_tokens=min(128, length // 2)),
        tokenizer=BytePairs(vocabulary=4_000),
        training=Training(epochs=epochs_for(STEPS, 8, rows, 3, 40), batch_size=8, learning_rate=1e-3, patience=0),
    )
    hint = "it learns the form of answers, not what is true: start from pretrained weights for more"
    tokens = round(rows * min(total_lengths(data, texts).median * 1.5 + 32, length))
    seconds = resources.seconds(matrix_weights(preset.architecture), tokens, rows // 8)
    return train_from_scratch(preset, seconds, resources, (reason, hint))
