"""Token tagging of your own texts, such as entities: fine-tuned pretrained weights, or an LSTM-CNN-CRF from scratch.

zoo train tag_tokens --data DATA
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.presets import Preset, Training
from zoo.recipes import Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import epochs_for, train_from_scratch, training_rows
from zoo.tokenizers.bytes import Bytes

WORDS_PER_SECOND = 3000  # of a CPU core that trains the default LSTM-CNN-CRF
SMALL = 2000  # rows, below which a table of word embeddings is small
STEPS = 3000  # optimizer steps that small data is repeated for


class TagTokensRecipe(Recipe):
    """A tag for each word: entities, slots (as BIO, IOB1 or BIOES tags) or parts of speech."""

    fields = ("tokens", "tags")

    def choose(self, data, resources):
        spans = any(tag.startswith(("B-", "I-")) for tag in data.label_counts["tags"])
        choice, reason = finetune(TagTokens(length=128, dropout=0.1), data, resources, ("tokens",))
        return choice or _from_scratch(data, resources, spans, reason)


def _from_scratch(data, resources, spans, reason):
    rows = training_rows(data)
    seconds = rows * (data.words["tokens"].median + data.words["tokens"].p95) / 2 / WORDS_PER_SECOND / resources.cores
    small = rows < SMALL
    batch_size = 16 if small else 32 if rows < 8000 else 50
    most = epochs_for(STEPS, batch_size, rows, 10, 40)
    training = Training(
        epochs=most,
        batch_size=batch_size,
        learning_rate=3e-3 if small else 2e-3,
        schedule="constant",
        warmup=0.0,
        ema=0.99,
        patience=5,
    )
    preset = Preset(
        architecture=LSTMCNN(buckets=2**14 if small else 2**16, embedding_dropout=0.5, dropout=0.0),
        objective=TagTokens(length=512, crf=spans),
        tokenizer=Bytes(),
        training=training,
    )
    kind = "a CRF, as the tags are spans" if spans else "a softmax, as the tags are no spans"
    return train_from_scratch(preset, seconds, resources, (reason, f"an LSTM-CNN with {kind}"))
