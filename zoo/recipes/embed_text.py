"""Text embeddings of your own pairs, for search: fine-tuned pretrained weights, or averaged word vectors.

zoo train embed_text --data DATA
"""

from zoo.architectures.averaging import Averaging
from zoo.objectives.embed_text import EmbedText
from zoo.presets import Preset, Training
from zoo.recipes import Choice, Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import maximum_length, total_lengths, training_rows
from zoo.tokenizers.words import Words

STEPS = 1500  # optimizer steps that small data is repeated for


class EmbedTextRecipe(Recipe):
    """A vector for each text, near to that of its partner: a question and its answer, a text and its paraphrase."""

    fields = ("text", "text_pair")

    def choose(self, data, resources):
        choice, reason = finetune(EmbedText(), data, resources, ("text", "text_pair"))
        if choice:
            return choice
        rows = training_rows(data)
        preset = Preset(
            architecture=Averaging(width=256, hidden=256, ngrams=2),
            objective=EmbedText(length=maximum_length(total_lengths(data, ("text", "text_pair")), limit=512)),
            tokenizer=Words(vocabulary=30_000),
            training=Training(
                epochs=max(5, min(round(STEPS * 64 / max(rows, 1)), 40)), batch_size=64, learning_rate=1e-3, ema=0.99
            ),
        )
        return Choice(preset, (f"trains from scratch: {reason}", "averaged word vectors"))
