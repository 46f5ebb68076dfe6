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
from zoo.layers.pooling import pool
from zoo.metrics import classification as metrics
from zoo.objectives import Objective
from zoo.objectives._rdrop import RDropLoss, check_rdrop, repeat_rows
from zoo.objectives._requirements import check_reads_tokens


@dataclass(frozen=True, kw_only=True)
class ClassifyText(Objective):
    """One label, or with `multi_label` any number of labels, for each text or pair of texts."""

    labels: tuple[str, ...] = ()  # in the order of the outputs; empty: collected from the training split
    multi_label: bool = False  # labels a text
    pair: bool = False  # two texts are compared
    pooling: str | None = None  # max, mean, first, last or attention; None: what suits the architecture
    dense_activation: str | None = None  # activation of a dense layer before the output layer: tanh in BERT and RoBERTa; None: no
    dropout: float = 0.1  # before the output layer
    label_smoothing: float = 0.0  # Szegedy 2016, arXiv:1512.00567, section 7
    rdrop: float = 0.0  # strength of R-Drop, twice the work a step: see `zoo.objectives._rdrop`
    balanced: bool = False  # weigh classes by their inverse frequency
    class_weights: dict = field(default_factory=dict)  # label -> weight in the loss; filled in by `balanced`
    threshold: float = 0.5  # probability from which one of several labels is given; calibrated on validation

    @property
    def monitor(self):
        return "f1_micro" if self.multi_label else "accuracy"

    @property
    def target(self):
        """The record field that holds what is learned."""
        return "labels" if self.multi_label else "label"

    def check_architecture(self, architecture):
        check_reads_tokens(architecture, "classify_text")
        check_rdrop(self, architecture)

    def needs(self):
        return (*self.asks(), self.target)

    def fit(self, dataset):
        labels = self.labels or collect_labels(dataset, self.target)
        fitted = replace(self, labels=tuple(labels))
        for split in dataset.splits:
            fitted.accept(dataset, split)
        return replace(fitted, class_weights=fitted._inverse_frequency(dataset)) if self.balanced else fitted

    def accept(self, dataset, split):
        check_labels(dataset, self.labels, self.target, (split,))

    def asks(self):
        return ("text", "text_pair") if self.pair else ("text",)

    def texts(self, record):
        return [record[name] for name in self.asks()]

    def _inverse_frequency(self, dataset):
        counts = Counter(label for record in dataset.records("train") for label in self._labels(record))
        return {label: sum(counts.values()) / (len(self.labels) * max(counts[label], 1)) for label in self.labels}

    def _labels(self, record):
        return record["labels"] if self.multi_label else [record["label"]]

    def examples(self, records, tokenizer, train=True):
        pairs = [record["text_pair"] for record in records] if self.pair else None
        encodings = tokenizer.encode_batch([record["text"] for record in records], pairs, length=self.length)
        for record, encoding in zip(records, encodings, strict=True):
            example = {"tokens": encoding.ids, "segments": encoding.segments.astype("uint8")}
            yield {**example, "labels": self._target(record)} if train else example

    def _target(self, record):
        given = self._labels(record)
        return np.array([label in given for label in self.labels], "uint8")

    def collate(self, batch, random):
        targets = batch.pop("labels").astype("float32")
        weights = np.array([self.class_weights.get(label, 1.0) for label in self.labels], "float32")
        labels = targets.sum(-1)
        weights = targets @ weights / np.maximum(labels, 1) + (labels == 0)
        arranged = batch, targets, weights * batch.get("examples", 1)
        return repeat_rows(arranged) if self.rdrop else arranged

    def head(self, architecture, backbone):
        x = pool(architecture, backbone, self.pooling)
        if self.dense_activation:
            x = keras.layers.Dense(x.shape[-1], self.dense_activation, name="hidden")(x)
        x = Dropout(self.dropout, name="head_dropout")(x)
        return keras.Model(backbone.input, keras.layers.Dense(len(self.labels), dtype="float32", name="logits")(x))

    def loss(self):
        make = keras.losses.BinaryCrossentropy if self.multi_label else keras.losses.CategoricalCrossentropy
        loss = make(from_logits=True, label_smoothing=self.label_smoothing)
        return RDropLoss(loss, self.rdrop, self.multi_label) if self.rdrop else loss

    def metrics(self):
        make = keras.metrics.BinaryAccuracy if self.multi_label else keras.metrics.CategoricalAccuracy
        return [make(name="accuracy", **({"threshold": 0.0} if self.multi_label else {}))]

    def probabilities(self, logits):
        """(..., classes) probabilities of logits of the same shape."""
        if self.multi_label:
            return 1 / (1 + np.exp(-logits))
        exponents = np.exp(logits - logits.max(-1, keepdims=True))
        return exponents / exponents.sum(-1, keepdims=True)

    def decide(self, logits):
        """(rows, classes) booleans: the labels that each row of logits is given."""
        if self.multi_label:
            return self.probabilities(logits) >= self.threshold
        return logits.argmax(-1)[:, None] == np.arange(len(self.labels))

    def calibrate(self, predictions, records):
        """With `multi_label`, the threshold with the highest micro-averaged F1 on validation records."""
        if not self.multi_label:
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
        if self.multi_label:
            return {"labels": [label for label in ranked if ranked[label] >= self.threshold], "probabilities": ranked}
        return {"label": next(iter(ranked)), "probabilities": ranked}

    def format(self, answer):
        given = answer["labels"] if self.multi_label else [answer["label"]]
        return "  ".join(f"{label} {answer['probabilities'][label]:.3f}" for label in given) or "(none)"

    def serve(self, outputs):
        """`labels` and their `probabilities`, highest first; with `multi_label` also whether each label is `selected`."""
        activate = keras.ops.sigmoid if self.multi_label else keras.ops.softmax
        probabilities, order = keras.ops.top_k(activate(outputs), len(self.labels))
        answer = {"labels": order, "probabilities": probabilities}
        return answer | {"selected": probabilities >= self.threshold} if self.multi_label else answer

    def words(self):
        return {"labels": self.labels}

    def scores(self, predictions, records):
        truth, logits = self.truth(records), self._stack(predictions)
        loss = metrics.log_loss(truth, self.probabilities(logits), self.multi_label)
        return metrics.classification_scores(truth, self.decide(logits)) | {"loss": loss}

    def selection_key(self, scores):
        """Of two epochs with the same accuracy, the one with the lower loss has learned more."""
        return (scores[self.monitor], -scores["loss"])

    def per_class(self, predictions, records):
        return metrics.per_class(self.labels, self.truth(records), self.decide(self._stack(predictions)))

    def confusion_matrix(self, predictions, records):
        if self.multi_label:
            return None
        return metrics.confusion_matrix(self.truth(records), self.decide(self._stack(predictions)))
