"""Translation, summarisation and other rewriting of your own texts: GRUs with attention, or pretrained weights.

zoo train translate --data DATA
"""

from zoo.architectures.rnn_seq2seq import RNNSeq2Seq
from zoo.objectives.translate import Translate
from zoo.presets import Preset, Training
from zoo.recipes import Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import epochs_for, maximum_length, train_from_scratch, training_rows
from zoo.tokenizers.byte_pairs import BytePairs

PIECES = 1.4  # tokens of a word, with a vocabulary of byte pairs
WEIGHTS = 7_000_000  # of the matrices of the network, the output layer included
STEPS = 3000  # optimizer steps that small data is repeated for


class TranslateRecipe(Recipe):
    """A target text for each source text."""

    fields = ("source", "target")

    def choose(self, data, resources):
        choice, reason = finetune(Translate(), data, resources, ("source",), least=1)
        return choice or _from_scratch(data, resources, reason)


def _from_scratch(data, resources, reason):
    rows = training_rows(data)
    source, target = (maximum_length(data.words[name], PIECES, limit=256) for name in ("source", "target"))
    batch_size = 16 if rows < 4000 else 64
    preset = Preset(
        architecture=RNNSeq2Seq(width=256, units=512, attention="general", input_feeding="none"),
        objective=Translate(length=max(source, target), target_length=target),
        tokenizer=BytePairs(vocabulary=6_000 if rows < 100_000 else 16_000),
        training=Training(
            epochs=epochs_for(STEPS, batch_size, rows, 8, 60),
            batch_size=batch_size,
            learning_rate=1e-3,
            warmup=0.05,
            ema=0.99,
        ),
    )
    tokens = rows * (data.words["source"].median + data.words["target"].median) / 2 * PIECES
    seconds = resources.seconds(WEIGHTS, round(tokens), rows // batch_size)
    return train_from_scratch(preset, seconds, resources, (reason, "GRUs with attention, which learn from few pairs"))
