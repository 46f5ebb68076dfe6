"""Text embeddings of your own pairs, for search: fine-tuned pretrained weights, or averaged word vectors.

zoo train embed_text --data DATA
"""

from zoo.architectures.averaging import Averaging
from zoo.objectives.embed_text import EmbedText
from zoo.presets import Preset, Training
from zoo.recipes import Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import epochs_for, maximum_length, train_from_scratch, training_rows
from zoo.tokenizers.words import Words

STEPS = 1500  # optimizer steps that small data is repeated for


class EmbedTextRecipe(Recipe):
    """A vector for each text, near to that of its partner: a question and its answer, a text and its paraphrase."""

    fields = ("text", "text_pair")

    def choose(self, data, resources):
        longer = max(self.fields, key=lambda name: data.words[name].p95)  # each text is an example by itself
        choice, reason = finetune(EmbedText(), data, resources, (longer,))
        if choice:
            return choice
        rows = training_rows(data)
        preset = Preset(
            architecture=Averaging(width=256, hidden=256, ngrams=2),
            objective=EmbedText(length=maximum_length(data.words[longer], limit=512)),
            tokenizer=Words(vocabulary=30_000),
            training=Training(epochs=epochs_for(STEPS, 64, rows, 5, 40), batch_size=64, learning_rate=1e-3, ema=0.99),
        )
        seconds = 2 * resources.seconds(0, 0, rows // 64)  # vectors of n-grams make its optimizer steps slow
        return train_from_scratch(preset, seconds, resources, (reason, "averaged word vectors"))
