"""Put a text, or a pair of texts, into one of several classes, or give it several labels.

One output per class on the pooled features; softmax for one label, a sigmoid each for several. The compile/fit preset
is AdamW with 10 % warm-up and linear decay (Devlin 2018, arXiv:1810.04805, appendix A.2).
"""

from collections import Counter
from dataclasses import dataclass, field, replace

import keras
import numpy as np

from zoo.data.labels import check_labels, collect_labels
from zoo.layers.dropout import Dropout
from zoo.layers.pooling import pooled
from zoo.metrics import classification as metrics
from zoo.objectives import Objective
from zoo.objectives._rdrop import Agreement, check_agreement, doubled
from zoo.objectives._requirements import check_reads_tokens


@dataclass(frozen=True, kw_only=True)
class ClassifyText(Objective):
    """One label, or with `several` any number of labels, for each text or pair of texts."""

    labels: tuple[str, ...] = ()  # in the order of the outputs; empty: collected from the training split
    several: bool = False  # labels a text
    pair: bool = False  # two texts are compared
    pooling: str | None = None  # max, mean, first, last or attention; None: what suits the architecture
    hidden: str | None = None  # activation of a dense layer before the output layer: tanh in BERT and RoBERTa; None: no
    dropout: float = 0.1  # before the output layer
    label_smoothing: float = 0.0  # Szegedy 2016, arXiv:1512.00567, section 7
    agreement: float = 0.0  # strength of R-Drop, twice the work a step: see `zoo.objectives._rdrop`
    balance: bool = False  # weigh classes by their inverse frequency
    class_weights: dict = field(default_factory=dict)  # label -> weight in the loss; filled in by `balance`
    threshold: float = 0.5  # probability from which one of several labels is given; calibrated on validation

    @property
    def watch(self):
        return "f1_micro" if self.several else "accuracy"

    @property
    def target(self):
        """The record field that holds what is learned."""
        return "labels" if self.several else "label"

    def check(self, architecture):
        check_reads_tokens(architecture, "classify_text")
        check_agreement(self, architecture)

    def needs(self):
        return (*self.asks(), self.target)

    def fit(self, dataset):
        labels = self.labels or collect_labels(dataset, self.target)
        fitted = replace(self, labels=tuple(labels))
        for split in dataset.splits:
            fitted.accept(dataset, split)
        return replace(fitted, class_weights=fitted._balanced(dataset)) if self.balance else fitted

    def accept(self, dataset, split):
        check_labels(dataset, self.labels, self.target, (split,))

    def asks(self):
        return ("text", "text_pair") if self.pair else ("text",)

    def texts(self, record):
        return [record[name] for name in self.asks()]

    def _balanced(self, dataset):
        counts = Counter(label for record in dataset.records("train") for label in self._labels(record))
        return {label: sum(counts.values()) / (len(self.labels) * max(counts[label], 1)) for label in self.labels}

    def _labels(self, record):
        return record["labels"] if self.several else [record["label"]]

    def examples(self, records, tokenizer, train=True):
        pairs = [record["text_pair"] for record in records] if self.pair else None
        encodings = tokenizer.encode_batch([record["text"] for record in records], pairs, length=self.length)
        for record, encoding in zip(records, encodings, strict=True):
            example = {"tokens": encoding.ids, "types": encoding.segments.astype("uint8")}
            yield {**example, "target": self._target(record)} if train else example

    def _target(self, record):
        given = self._labels(record)
        return np.array([label in given for label in self.labels], "uint8")

    def arrange(self, batch, random):
        targets = batch.pop("target").astype("float32")
        weights = np.array([self.class_weights.get(label, 1.0) for label in self.labels], "float32")
        labels = targets.sum(-1)
        weights = targets @ weights / np.maximum(labels, 1) + (labels == 0)
        arranged = batch, targets, weights * batch.get("examples", 1)
        return doubled(arranged) if self.agreement else arranged

    def head(self, architecture, trunk):
        x = pooled(architecture, trunk, self.pooling)
        if self.hidden:
            x = keras.layers.Dense(x.shape[-1], self.hidden, name="hidden")(x)
        x = Dropout(self.dropout, name="head_dropout")(x)
        return keras.Model(trunk.input, keras.layers.Dense(len(self.labels), dtype="float32", name="logits")(x))

    def loss(self):
        make = keras.losses.BinaryCrossentropy if self.several else keras.losses.CategoricalCrossentropy
        loss = make(from_logits=True, label_smoothing=self.label_smoothing)
        return Agreement(loss, self.agreement, self.several) if self.agreement else loss

    def metrics(self):
        make = keras.metrics.BinaryAccuracy if self.several else keras.metrics.CategoricalAccuracy
        return [make(name="accuracy", **({"threshold": 0.0} if self.several else {}))]

    def probabilities(self, logits):
        """(..., classes) probabilities of logits of the same shape."""
        if self.several:
            return 1 / (1 + np.exp(-logits))
        exponents = np.exp(logits - logits.max(-1, keepdims=True))
        return exponents / exponents.sum(-1, keepdims=True)

    def decide(self, logits):
        """(rows, classes) booleans: the labels that each row of logits is given."""
        if self.several:
            return self.probabilities(logits) >= self.threshold
        return logits.argmax(-1)[:, None] == np.arange(len(self.labels))

    def calibrate(self, predictions, records):
        """With `several`, the threshold with the highest micro-averaged F1 on validation records."""
        if not self.several:
            return self
        truth, probabilities = self.truth(records), self.probabilities(self._stack(predictions))
        return replace(self, threshold=metrics.best_threshold(truth, probabilities))

    def _stack(self, predictions):
        return np.array(predictions, "float32").reshape(-1, len(self.labels))

    def truth(self, records):
        """(rows, classes) booleans: the labels that the records have."""
        return np.array([self._target(record) for record in records], bool).reshape(-1, len(self.labels))

    def answer(self, prediction, record):
        """`{"label": ..., "probabilities": {...}}`, or `labels` for several; probabilities fall from the first on."""
        probabilities = self.probabilities(prediction)
        order = np.argsort(-probabilities, kind="stable")
        ranked = {self.labels[i]: float(probabilities[i]) for i in order}
        if self.several:
            return {"labels": [label for label in ranked if ranked[label] >= self.threshold], "probabilities": ranked}
        return {"label": next(iter(ranked)), "probabilities": ranked}

    def read(self, answer):
        given = answer["labels"] if self.several else [answer["label"]]
        return "  ".join(f"{label} {answer['probabilities'][label]:.3f}" for label in given) or "(none)"

    def serve(self, outputs):
        """`labels` and their `probabilities`, highest first; with `several` also whether each label is `given`."""
        activate = keras.ops.sigmoid if self.several else keras.ops.softmax
        probabilities, order = keras.ops.top_k(activate(outputs), len(self.labels))
        answer = {"labels": order, "probabilities": probabilities}
        return answer | {"given": probabilities >= self.threshold} if self.several else answer

    def words(self):
        return {"labels": self.labels}

    def scores(self, predictions, records):
        truth, logits = self.truth(records), self._stack(predictions)
        loss = metrics.log_loss(truth, self.probabilities(logits), self.several)
        return metrics.classification_scores(truth, self.decide(logits)) | {"loss": loss}

    def rank(self, scores):
        """Of two epochs with the same accuracy, the one with the lower loss has learned more."""
        return (scores[self.watch], -scores["loss"])

    def table(self, predictions, records):
        return metrics.per_class(self.labels, self.truth(records), self.decide(self._stack(predictions)))

    def confusion(self, predictions, records):
        if self.several:
            return None
        return metrics.confusion(self.truth(records), self.decide(self._stack(predictions)))
