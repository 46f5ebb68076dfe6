"""Word order: an MLP on word counts against a CNN, an RNN (GRU) and a Transformer, on texts that differ in order alone.

A bag of words has no order: Harris 1954, https://doi.org/10.1080/00437956.1954.11659520. A filter sees the order of
neighbours: Kim 2014, https://arxiv.org/abs/1408.5882. A third of the texts ask which of two words they hold
("presence"), a third which of two neighbours is first ("adjacent order"), a third which of two words at least as far
apart as `gap` is first ("distant order"). One network of each architecture is trained on all of them, each text seen
once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.architectures import Architecture
from zoo.architectures.gru import GRU
from zoo.architectures.mlp import MLP
from zoo.architectures.text_cnn import TextCNN
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.course._curves import mean, unique
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._training import classifier, predict, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTIONS = ("presence", "adjacent order", "distant order")  # the answers are in words 1 and 2, 3 and 4, 5 and 6
FILLER = 7  # id of the first word that carries nothing
EDGE = 4  # words at both ends that carry nothing, so that no filter sees where a text begins or ends
GUESSED, SOLVED = 0.6, 0.9  # accuracies: at most, at least


@dataclass(frozen=True, kw_only=True)
class WordOrder(Experiment):
    """Accuracy of each architecture on a question about words and on two questions about their order."""

    number = 10

    length: int = 24  # words of a text
    gap: int = 5  # least distance of the words of "distant order": beyond the widest filter, of 5 words
    fillers: int = 40  # different words that carry nothing
    width: int = 32  # of word vectors and of every layer
    steps: int = 800  # of the optimizer
    batch_size: int = 32  # texts of a training step
    test_texts: int = 1024  # new texts, on which the accuracy is measured

    def measure(self, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        tokens, labels, _ = self.texts(rng, self.steps * self.batch_size)
        test_tokens, test_labels, questions = self.texts(rng, self.test_texts)
        rows: list[Row] = []
        for name, architecture in self.architectures().items():
            model = classifier(architecture, classes=2)
            train(model, {"tokens": tokens}, labels, learning_rate=0.005, batch_size=self.batch_size)
            correct = predict(model, {"tokens": test_tokens}) == test_labels
            rows += [
                {"network": name, "question": question, "accuracy": round(float(correct[questions == i].mean()), 4)}
                for i, question in enumerate(QUESTIONS)
            ]
        return rows

    def architectures(self) -> dict[str, Architecture]:
        """{name: architecture}, without dropout."""
        sizes: dict[str, Any] = {"vocabulary": FILLER + self.fillers, "width": self.width}
        no_dropout: dict[str, Any] = {"embedding_dropout": 0.0, "dropout": 0.0}
        encoder: dict[str, Any] = {"depth": 2, "heads": 2, "hidden": 2 * self.width, "word_dropout": 0.0}
        return {
            "MLP": MLP(vocabulary=sizes["vocabulary"], features="counts", hidden=self.width, dropout=0.0),
            "CNN": TextCNN(**sizes, **no_dropout, filters=self.width, word_dropout=0.0),
            "RNN (GRU)": GRU(**sizes, **no_dropout, units=self.width),
            "Transformer": TransformerEncoder(**sizes, **no_dropout, **encoder),
        }

    def texts(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Texts, (count, length) ids, their labels, 0 or 1, and their questions, indices of `QUESTIONS`."""
        questions, labels = rng.integers(0, len(QUESTIONS), count), rng.integers(0, 2, count)
        distance = np.where(questions == 2, rng.integers(self.gap, self.length - 2 * EDGE, count), 1)
        first = rng.integers(EDGE, self.length - EDGE - distance)
        tokens, texts = rng.integers(FILLER, FILLER + self.fillers, (count, self.length)), np.arange(count)
        tokens[texts, first] = 1 + 2 * questions + labels
        second = 1 + 2 * questions + 1 - labels  # the other word of the pair, which "presence" leaves out
        tokens[texts, first + distance] = np.where(questions == 0, FILLER, second)
        return tokens.astype("int32"), labels, questions

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        accuracy = {
            name: [mean(rows, "accuracy", network=name, question=question) for question in QUESTIONS]
            for name in self.architectures()
        }
        measured = {
            name: ", ".join(f"{question} {value:.2f}" for question, value in zip(QUESTIONS, values, strict=True))
            for name, values in accuracy.items()
        }
        (words, *order), (_, near, far) = accuracy["MLP"], accuracy["CNN"]
        return [
            Finding(
                "An MLP on counts knows which words are there, and guesses at their order.",
                measured["MLP"],
                words >= SOLVED and max(order) <= GUESSED,
            ),
            Finding(
                "A CNN knows the order within a filter, and not beyond it.",
                measured["CNN"],
                near >= SOLVED and far <= near - 0.2,
            ),
            *(
                Finding(f"{name} knows the order at any distance.", measured[name], min(accuracy[name]) >= SOLVED)
                for name in ("RNN (GRU)", "Transformer")
            ),
        ]

    def plot(self, rows: Sequence[Row], figure: "Figure") -> None:
        axes, names = figure.add_subplot(), unique(rows, "network")
        for i, question in enumerate(QUESTIONS):
            heights = [mean(rows, "accuracy", network=name, question=question) for name in names]
            bars = axes.bar(np.arange(len(names)) + 0.27 * (i - 1), heights, 0.25, label=question)
            axes.bar_label(bars, fmt="%.2f", fontsize=8)
        axes.axhline(0.5, color="grey", linestyle=":", label="chance")
        axes.set(xticks=range(len(names)), xticklabels=names, ylabel="accuracy", ylim=(0, 1.25))
        axes.legend(loc="upper center", ncols=4)


SMALL = WordOrder(length=18, fillers=10, width=16, steps=400, test_texts=512)
