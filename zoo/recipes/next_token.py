"""A language model of your own text: a small GPT on characters or byte pairs, or pretrained weights.

zoo train next_token --data FILE.txt
"""

from dataclasses import replace

from zoo.architectures.gpt2 import GPT2
from zoo.objectives.next_token import NextToken
from zoo.presets import Preset, Training
from zoo.recipes import Choice, Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import matrix_weights, training_rows
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.characters import Characters

SMALL = 3_000_000  # characters of training text, up to which a model of characters learns more than one of words
WINDOW, BATCH_SIZE = 128, 16  # tokens and rows of a batch
FINETUNED_WINDOW = 256  # tokens
STEPS = 3000


class NextTokenRecipe(Recipe):
    """Each next token of running text."""

    fields = ("text",)
    split_strategy = "end"

    def choose(self, data, resources):
        choice, reason = finetune(NextToken(), data, resources, ("text",), least=1)
        if not choice:
            return _from_scratch(data, resources, reason)
        length = min(getattr(resources.pretrained, "length", FINETUNED_WINDOW), FINETUNED_WINDOW)
        objective = replace(choice.preset.objective, length=length)  # a window of running text, whatever its lines
        return replace(choice, preset=replace(choice.preset, objective=objective))


def _from_scratch(data, resources, reason):
    characters = training_rows(data) * (data.characters["text"].median + data.characters["text"].p95) / 2
    small = characters <= SMALL
    network = GPT2(length=WINDOW, width=192, depth=4, heads=6, hidden=768, dropout=0.1)
    seconds = resources.seconds(matrix_weights(network), WINDOW * BATCH_SIZE)
    steps = max(200, min(int(0.6 * resources.budget / seconds), STEPS))
    preset = Preset(
        architecture=network,
        objective=NextToken(length=WINDOW),
        tokenizer=Characters() if small else BytePairs(vocabulary=8_000),
        training=Training(
            epochs=1000,
            max_steps=steps,
            validate_every=max(steps // 6, 1),
            batch_size=BATCH_SIZE,
            learning_rate=1e-3,
            schedule="cosine",
            warmup=0.05,
            min_lr_factor=0.1,
            beta_2=0.99,
            weight_decay=0.1,
            patience=2,
        ),
    )
    unit = "characters, as there is little text" if small else "byte pairs"
    reasons = (f"trains from scratch: {reason}", f"a GPT of {unit}", f"{steps} steps of about {seconds:.2f} s")
    return Choice(preset, reasons)
