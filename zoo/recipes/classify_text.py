"""Text classification of your own texts: fine-tuned pretrained weights, or a bag of n-grams from scratch.

zoo train classify_text --data DATA
"""

from dataclasses import replace

from zoo.architectures.mlp import MLP
from zoo.backend.shapes import power_of_two
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Preset, Training
from zoo.recipes import Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import GPU_STEP, epochs_for, maximum_length, total_lengths, train_from_scratch, training_rows
from zoo.tokenizers.characters import Characters
from zoo.tokenizers.words import Words

SHORT = 300  # characters: up to this 95th percentile, n-grams of characters are the features; above it, of words
STEPS = 800  # optimizer steps that small data is repeated for
MOST_EPOCHS = 25
FEW = 50  # classes, up to which a linear model of short texts is at least as good as a network
WEIGHTS = 2**22  # of the n-grams of a linear model, and as many of its words


class ClassifyTextRecipe(Recipe):
    """One label, or with a column `labels` any number of labels, for each text or pair of texts."""

    fields = ("text", "label")

    def fields_of(self, available):
        return ("text", "labels") if "labels" in available and "label" not in available else self.fields

    def choose(self, data, resources):
        objective = ClassifyText(multi_label="labels" in data.fields, pair="text_pair" in data.fields)
        texts = objective.fields.inputs
        choice, reason = finetune(objective, data, resources, texts)
        return choice or _from_scratch(objective, data, resources, reason)


def _from_scratch(objective, data, resources, reason):
    texts = objective.fields.inputs
    characters, words = (total_lengths(data, texts, unit) for unit in ("characters", "words"))
    short = characters.p95 <= SHORT
    tokenizer = Characters(lower=True) if short else Words(vocabulary=30_000)
    rows, lengths = training_rows(data), characters if short else words
    classes = len(data.label_counts[objective.label_field])
    linear = short and classes <= FEW
    bag = _linear(classes, rows * lengths.median) if linear else _deep(short, rows * lengths.median)
    batch_size = max(8, min(rows // 40, 100))
    training = Training(
        epochs=epochs_for(STEPS, batch_size, rows, 8, MOST_EPOCHS),
        batch_size=batch_size,
        learning_rate=3e-3,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        clip_norm=0.0,
        ema=0.99,
        patience=5,
    )
    objective = replace(objective, length=maximum_length(lengths), dropout=0.0)
    kind = "a linear model" if linear else "a dense network"
    features = "words and n-grams of characters" if short else "n-grams of words"
    why = f"as texts are short (up to {SHORT})" if short else "as texts are long"
    preset = Preset(architecture=bag, objective=objective, tokenizer=tokenizer, training=training)
    steps = rows / batch_size
    seconds = steps * GPU_STEP if resources.gpu else _epoch_seconds(bag, rows * lengths.median, steps)
    return train_from_scratch(preset, seconds, resources, (reason, f"{kind} on a bag of {features}, {why}"))


def _linear(classes, tokens):
    """A linear model of words and n-grams, weighted by their naive Bayes ratio (Wang & Manning 2012)."""
    buckets = _buckets(5 * tokens, 2**14, min(2**19, power_of_two(WEIGHTS // max(classes, 1))))
    bag = MLP(features="sublinear_tfidf", naive_bayes=True, ngrams=5, whole_words=True, buckets=buckets)
    return replace(bag, hidden=classes, depth=0)


def _deep(short, tokens):
    """A dense layer on n-grams, and words of short texts, by which many classes share features."""
    ngrams = 3 if short else 2
    bag = MLP(features="sublinear_tfidf", ngrams=ngrams, buckets=_buckets(tokens * ngrams, 2**12, 2**15))
    return replace(bag, whole_words=True, l2_norm=2.0, dropout=0.7) if short else replace(bag, l2_norm=3.0)


def _epoch_seconds(bag, tokens, steps):
    """The estimated time of an epoch on two CPU cores: for features, products with them, and updates of weights."""
    features, weights = tokens * bag.ngrams, bag.hidden * bag.buckets * (1 + bag.whole_words)
    return features * 3e-7 + features * bag.hidden * 2e-9 + steps * weights * 1.2e-9


def _buckets(total, least, most):
    """Buckets for n-grams that occur so often in all: an eighth of that, as frequent ones repeat."""
    return max(least, min(power_of_two(total // 8), most))
