"""The floor of text classification: an MLP on TF-IDF features against CNN, LSTM and Transformer on small samples.

Claim: an MLP on computed features is the floor that a network which reads words in order has to beat. Wang & Manning
2012, https://aclanthology.org/P12-2018, and Iyyer 2015, https://aclanthology.org/P15-1162: that floor is high.

Four networks are trained from random weights on the samples that come with the zoo: the intent of 994 requests, and the
intent and the sentiment of 220 support messages. They are scored on the 406 requests and 80 messages that remain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.architectures import Architecture
from zoo.architectures.lstm import LSTM
from zoo.architectures.mlp import MLP
from zoo.architectures.text_cnn import TextCNN
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.course._bars import plot_bars
from zoo.course._curves import mean
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._objective_training import Arrays, network, predict, train_steps
from zoo.data.opening import open_dataset
from zoo.objectives.classify_text import ClassifyText
from zoo.runtime.errors import one_of
from zoo.tokenizers.words import Words

TASKS: dict[str, tuple[str, dict[str, str]]] = {  # name: (dataset spec, {standard field: column})
    "intent of requests": ("sample:requests", {}),
    "intent of messages": ("sample:helpdesk", {}),
    "sentiment of messages": ("sample:helpdesk", {"label": "sentiment"}),
}
CHANCE, FLOOR = "most frequent label", "MLP on TF-IDF"
RATES = {FLOOR: 3e-3, "CNN": 3e-3, "LSTM": 3e-3, "Transformer": 1e-3}  # learning rates
BEATS_FLOOR = {name: f"The {name} beats the MLP on each task." for name in ("CNN", "LSTM", "Transformer")}
MARGIN = 0.02  # of accuracies that differ


@dataclass(frozen=True, kw_only=True)
class FeatureFloor(Experiment):
    """Test accuracy of four networks, and of the most frequent label, on each task."""

    tasks: tuple[str, ...] = tuple(TASKS)  # names of the tasks
    width: int = 64  # of word vectors and layers
    length: int = 48  # longest text, in words; longer ones are truncated
    steps: int = 150  # of the optimizer, each on 32 texts

    number = 17
    untested = tuple(BEATS_FLOOR.values())

    def __post_init__(self) -> None:
        for task in self.tasks:
            one_of("tasks", task, TASKS)

    def measure(self, seed: int) -> list[Row]:
        return [row for task in self.tasks for row in self._measure_task(task, np.random.default_rng(seed))]

    def _measure_task(self, task, random):
        (tokens, labels), (test_tokens, test_labels), vocabulary = _arrays(*TASKS[task], self.length)
        counts = np.bincount(labels)
        yield {"task": task, "network": CHANCE, "accuracy": float((test_labels == counts.argmax()).mean())}
        for name, architecture in self._architectures(vocabulary).items():
            names = tuple(str(label) for label in range(len(counts)))
            trained = network(architecture, ClassifyText(labels=names, dropout=0.0))
            architecture.adapt(trained.backbone, tokens)
            train_steps(trained, Arrays({"tokens": tokens}, labels), self.steps, random, RATES[name])
            right = predict(trained.model, {"tokens": test_tokens}).argmax(1) == test_labels
            yield {"task": task, "network": name, "accuracy": float(right.mean())}

    def _architectures(self, vocabulary) -> dict[str, Architecture]:
        sizes: dict[str, Any] = {"vocabulary": vocabulary, "width": self.width}
        return {
            FLOOR: MLP(vocabulary=vocabulary, hidden=self.width),
            "CNN": TextCNN(**sizes, filters=self.width),
            "LSTM": LSTM(**sizes, units=self.width, bidirectional=True),
            "Transformer": TransformerEncoder(**sizes, depth=1, hidden=2 * self.width),
        }

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        return [
            self._finding(rows, FLOOR, CHANCE, "An MLP on TF-IDF features beats the most frequent label on each task."),
            *(self._finding(rows, name, FLOOR, claim) for name, claim in BEATS_FLOOR.items()),
        ]

    def _finding(self, rows, name, other, claim) -> Finding:
        pairs = {
            task: tuple(mean(rows, "accuracy", task=task, network=n) for n in (name, other)) for task in self.tasks
        }
        measured = ", ".join(f"{task} {a:.2f} against {b:.2f}" for task, (a, b) in pairs.items())
        return Finding(claim, f"accuracy: {measured}", all(a > b + MARGIN for a, b in pairs.values()))

    def plot(self, rows, figure) -> None:
        axes = figure.subplots()
        plot_bars(axes, rows, "task", "network", "accuracy", control=CHANCE)
        axes.set_ylabel("test accuracy")
        figure.legend(loc="outside upper center", ncols=5)


def _arrays(spec, columns, length) -> tuple[Any, Any, int]:
    """((tokens, labels) of the training split, those of all other texts, vocabulary size)."""
    dataset = open_dataset(spec, columns, required=("text", "label"))
    train = list(dataset.records("train"))
    test = [*dataset.records("validation"), *dataset.records("test")]  # no setting is chosen by either
    tokenizer = Words().train([record["text"] for record in train])
    names = sorted({record["label"] for record in train})
    splits = []
    for records in (train, test):
        tokens = np.zeros((len(records), length), "int32")
        encodings = tokenizer.encode_batch([record["text"] for record in records], length=length)
        for row, encoding in zip(tokens, encodings, strict=True):
            row[: len(encoding.ids)] = encoding.ids
        splits.append((tokens, np.array([names.index(record["label"]) for record in records])))
    return splits[0], splits[1], tokenizer.vocabulary_size


SMALL = FeatureFloor(tasks=("intent of requests",), width=32, length=24, steps=80)
