"""Long-range dependencies: subject-verb agreement over distance, with an n-gram, CNN, RNN, LSTM and Transformer.

Linzen et al. 2016, https://arxiv.org/abs/1611.01368: the number of a verb is that of its subject, whatever nouns stand
between. A sentence is a subject, singular or plural, and up to 24 phrases of a preposition and a noun of either number:
'the keys to the cabinet near the doors ... are'. The task is the number of the verb after each prefix; the verb agrees
with the first noun. Causal networks are trained on all distances together, each sentence seen once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.architectures import Architecture
from zoo.architectures.conv import Conv
from zoo.architectures.gpt2 import GPT2
from zoo.architectures.lstm import LSTM
from zoo.architectures.rnn import RNN
from zoo.course._curves import mean, plot_curves
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._training import classifier, predict, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START, THE, PREPOSITION = 1, 2, 3  # ids: of the start, of the article, of the first preposition
PREPOSITIONS, NOUNS = 4, 10  # different prepositions, and nouns, each singular or plural
NOUN = PREPOSITION + PREPOSITIONS  # id of the first noun; even offsets are singular, odd ones plural
N_GRAM = 5  # words, of which the last is the verb
GUESSED, SOLVED = 0.65, 0.9  # accuracies: at most, at least


@dataclass(frozen=True, kw_only=True)
class LongRange(Experiment):
    """Accuracy of the number of the verb, by the words between the subject and the verb."""

    number = 9

    phrases: tuple[int, ...] = (0, 1, 2, 4, 8, 16)  # of 3 words each, between the subject and the verb
    width: int = 32  # of word vectors and of every layer
    depth: int = 2  # convolutions and blocks
    steps: int = 600  # of the optimizer
    batch_size: int = 32  # texts of a training step
    test_sentences: int = 1024  # new sentences, on which the accuracy is measured

    def measure(self, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        tokens, labels, _ = self.sentences(rng, self.steps * self.batch_size)
        test_tokens, test_labels, phrases = self.sentences(rng, self.test_sentences)
        predictions = {f"{N_GRAM}-gram": n_gram_predictions(tokens, labels, test_tokens)}
        for name, architecture in self.architectures().items():
            model = classifier(architecture, classes=2, pooling="last")
            train(model, {"tokens": tokens}, labels, learning_rate=0.01, batch_size=self.batch_size)
            predictions[name] = predict(model, {"tokens": test_tokens})
        return [
            {
                "network": name,
                "distance": 3 * count,
                "accuracy": round(float(np.mean((predicted == test_labels)[phrases == count])), 4),
            }
            for name, predicted in predictions.items()
            for count in self.phrases
        ]

    def architectures(self) -> dict[str, Architecture]:
        """{name: architecture}, causal and without dropout."""
        sizes: dict[str, Any] = {"vocabulary": NOUN + 2 * NOUNS, "width": self.width}
        no_dropout: dict[str, Any] = {"embedding_dropout": 0.0, "dropout": 0.0}
        length = 3 + 3 * max(self.phrases)
        blocks: dict[str, Any] = {
            "depth": self.depth,
            "heads": 2,
            "hidden": 2 * self.width,
            "length": length,
            "dropout": 0.0,
        }
        return {
            "CNN": Conv(**sizes, **no_dropout, depth=self.depth, causal=True, word_dropout=0.0),
            "RNN": RNN(**sizes, **no_dropout, units=self.width),
            "LSTM": LSTM(**sizes, **no_dropout, units=self.width),
            "Transformer": GPT2(**sizes, **blocks, tied=False),
        }

    def sentences(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sentences up to the verb, (count, words) ids padded with 0, the numbers of their verbs, and their phrases."""
        phrases, longest = rng.choice(self.phrases, count), max(self.phrases)
        nouns = rng.integers(NOUN, NOUN + 2 * NOUNS, (count, 1 + longest))
        prepositions = rng.integers(PREPOSITION, PREPOSITION + PREPOSITIONS, (count, 1 + longest))
        prepositions[:, 0] = START
        words = np.stack([prepositions, np.full_like(nouns, THE), nouns], axis=-1).reshape(count, -1)
        padding = np.arange(words.shape[1]) >= 3 * (1 + phrases[:, None])
        return np.where(padding, 0, words).astype("int32"), (nouns[:, 0] - NOUN) % 2, phrases

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        near, far = 0, 3 * max(self.phrases)
        names = [f"{N_GRAM}-gram", *self.architectures()]
        accuracy = {
            name: [mean(rows, "accuracy", network=name, distance=distance) for distance in (near, far)]
            for name in names
        }
        measured = {name: f"accuracy {a:.2f} at {near} words, {b:.2f} at {far}" for name, (a, b) in accuracy.items()}
        windows = {f"{N_GRAM}-gram": "an n-gram", "CNN": "a CNN"}
        networks = {"RNN": "a plain RNN", "LSTM": "an LSTM", "Transformer": "a Transformer"}
        return [
            *(
                Finding(
                    f"The window of {phrase} sees the subject nearby, and guesses beyond.",
                    measured[name],
                    accuracy[name][0] >= SOLVED and accuracy[name][1] <= GUESSED,
                )
                for name, phrase in windows.items()
            ),
            *(
                Finding(f"The memory of {phrase} reaches the subject.", measured[name], accuracy[name][1] >= SOLVED)
                for name, phrase in networks.items()
            ),
        ]

    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        axes = figure.add_subplot()
        plot_curves(axes, rows, "distance", "accuracy", "network")
        axes.axhline(0.5, color="grey", linestyle=":")
        axes.text(3 * max(self.phrases), 0.5, "chance", ha="right", va="top", color="grey")
        axes.set(xticks=[3 * count for count in self.phrases], ylim=(0.4, 1.03))
        axes.set(xlabel="words between subject and verb", ylabel="accuracy of the verb's number")


def n_gram_predictions(tokens: np.ndarray, labels: np.ndarray, test_tokens: np.ndarray) -> np.ndarray:
    """The number of the verb that followed the last words most often; of fewer words where these are new (backoff).

    Args:
        tokens, labels: the training sentences, padded with 0, and the numbers of their verbs.
        test_tokens: the sentences to predict.
    """
    counts: Counter = Counter()
    for sentence, label in zip(tokens, labels, strict=True):
        for context in _contexts(sentence):
            counts[context] += 2 * label - 1
            counts[context, "seen"] += 1
    return np.array([_backoff(counts, sentence) for sentence in test_tokens])


def _contexts(sentence):
    """The last words of a sentence, from the longest context of an n-gram to none."""
    words = tuple(sentence[sentence > 0].tolist())
    return [words[len(words) - size :] for size in range(min(N_GRAM - 1, len(words)), -1, -1)]


def _backoff(counts, sentence):
    context = next((context for context in _contexts(sentence) if counts[context, "seen"]), ())
    return int(counts[context] > 0)


SMALL = LongRange(phrases=(0, 1, 2, 4), width=16, steps=300, test_sentences=256)
