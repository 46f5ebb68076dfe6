"""Text classification: one label, or any number of labels, for a text or a pair of texts.

One output per class on the pooled features; softmax for one label, sigmoids for several. The compile/fit preset
is AdamW with 10 % warm-up and linear decay (Devlin 2018, arXiv:1810.04805, appendix A.2).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType

import keras
import numpy as np
from keras import ops

from zoo.data.fields import LABEL_SEPARATOR
from zoo.data.labels import LabelCollector, labels_of
from zoo.layers.label_loss import LabelCrossentropy
from zoo.layers.rdrop_loss import RDropLoss
from zoo.metrics import classification as metrics
from zoo.objectives import Calibrates, Fields, Objective, Preparation, Reports
from zoo.objectives._rdrop import check_rdrop, repeat_rows
from zoo.objectives._requirements import check_reads_text
from zoo.objectives._text_features import text_features


@dataclass(frozen=True, kw_only=True)
class ClassifyText(Objective, Calibrates, Reports):
    """One label, or with `multi_label` any number of labels, for each text or pair of texts."""

    labels: tuple[str, ...] = ()  # in the order of the outputs; empty: collected from the training split
    multi_label: bool = False  # any number of labels a text
    pair: bool = False  # classify pairs of texts
    pooling: str | None = None  # max, mean, first, last or attention; None: the architecture's own
    decoder_start_id: int | None = None  # of an encoder-decoder that reads the text twice; set by the import of one
    pooled_id: int | None = None  # pool over tokens with this id only: the end tokens of such a network; None: over all
    dense_activation: str | None = None  # of a dense layer before the output layer: tanh in BERT; None: no such layer
    dropout: float = 0.1  # before the output layer
    label_smoothing: float = 0.0  # Szegedy 2016, arXiv:1512.00567, section 7
    rdrop: float = 0.0  # strength of R-Drop, doubles the work of a step: see `zoo.objectives._rdrop`
    balanced: bool = False  # weight classes by their inverse frequency
    class_weights: dict[str, float] = field(default_factory=dict)  # label -> weight in the loss; set by `balanced`
    threshold: float = 0.5  # multi-label: probability from which a label is selected; calibrated on validation

    proportions = ("accuracy",)
    reads_by = MappingProxyType({"text_pair": "pair", "labels": "multi_label"})

    @property
    def monitor(self) -> str:
        return "f1_micro" if self.multi_label else "accuracy"

    @property
    def fields(self) -> Fields:
        inputs = ("text", "text_pair") if self.pair else ("text",)
        return Fields(required=(*inputs, self.label_field), inputs=inputs, texts=inputs)

    @property
    def label_field(self) -> str:
        """The record field with the label or the labels."""
        return "labels" if self.multi_label else "label"

    def preparation(self, architecture) -> Preparation:
        return LabelPreparation(self)

    def check_architecture(self, architecture) -> None:
        check_reads_text(architecture, "classify_text", self.decoder_start_id)
        check_rdrop(self, architecture)

    def examples(self, records, tokenizer, train=True):
        pairs = [record["text_pair"] for record in records] if self.pair else None
        encodings = tokenizer.encode_batch([record["text"] for record in records], pairs, length=self.length)
        for record, encoding in zip(records, encodings, strict=True):
            example = {"tokens": encoding.ids, "segments": encoding.segments.astype("uint8")}
            yield example | ({"labels": self._multi_hot(record)} if train else {})

    def _multi_hot(self, record):
        labels = labels_of(record, self.label_field, "")
        return np.array([label in labels for label in self.labels], "uint8")

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time).
        Targets: (batch,) indices of `labels`, or (batch, classes) one-hot; with `multi_label` (batch, classes) of 0, 1.
        Weights: (batch,) of each text; none counts each once.
        """
        targets = batch.pop("labels").astype("float32")
        class_weights = np.array([self.class_weights.get(label, 1.0) for label in self.labels], "float32")
        counts = targets.sum(-1)
        weights = targets @ class_weights / np.maximum(counts, 1) + (counts == 0)
        collated = batch, targets, weights * batch.get("example_mask", 1)
        return repeat_rows(collated) if self.rdrop else collated

    def head(self, architecture, backbone):
        inputs, x = text_features(self, architecture, backbone)
        return keras.Model(inputs, keras.layers.Dense(len(self.labels), dtype="float32", name="logits")(x))

    def loss(self, model):
        cross_entropy = keras.losses.BinaryCrossentropy if self.multi_label else LabelCrossentropy
        loss = cross_entropy(from_logits=True, label_smoothing=self.label_smoothing)
        return RDropLoss(loss, self.rdrop, self.multi_label) if self.rdrop else loss

    def decide(self, outputs):
        """From logits: `labels` (indices) and their `probabilities`, highest first, (rows, classes) both.

        With `multi_label` also `selected`, booleans: whether the label's probability reaches the threshold.
        """
        activate = ops.sigmoid if self.multi_label else ops.softmax
        probabilities, labels = ops.top_k(activate(outputs), len(self.labels))
        decision = {"labels": labels, "probabilities": probabilities}
        return decision | {"selected": self._selected(probabilities)} if self.multi_label else decision

    def _selected(self, probabilities):
        return probabilities >= self.threshold

    @property
    def outputs(self):
        outputs = {"labels": self.labels, "probabilities": None}
        return outputs | {"selected": None} if self.multi_label else outputs

    def answer(self, decision, record) -> dict:
        """`{"label", "probabilities": {label: probability}}`, or `labels` for several; the highest comes first."""
        labels = [self.labels[i] for i in decision["labels"].tolist()]
        probabilities = dict(zip(labels, decision["probabilities"].tolist(), strict=True))
        if self.multi_label:
            pairs = zip(labels, decision["selected"].tolist(), strict=True)
            selected = [label for label, is_selected in pairs if is_selected]
            return {"labels": selected, "probabilities": probabilities}
        return {"label": labels[0], "probabilities": probabilities}

    def answer_columns(self, answer) -> dict:
        """`label` with its `probability`, or `labels`; then the probability of each label, as probability_LABEL."""
        probabilities = {f"probability_{label}": answer["probabilities"][label] for label in self.labels}
        if self.multi_label:
            return {"labels": LABEL_SEPARATOR.join(answer["labels"])} | probabilities
        return {"label": answer["label"], "probability": answer["probabilities"][answer["label"]]} | probabilities

    def format(self, answer) -> str:
        labels = answer["labels"] if self.multi_label else [answer["label"]]
        return "  ".join(f"{label} {answer['probabilities'][label]:.3f}" for label in labels) or "(none)"

    def calibrate(self, decisions, records) -> "ClassifyText":
        """With `multi_label`, a copy with the threshold of the highest micro-averaged F1."""
        if not self.multi_label:
            return self
        return replace(self, threshold=metrics.best_threshold(self.truth(records), self.probabilities(decisions)))

    def truth(self, records: Sequence[dict]) -> np.ndarray:
        """(rows, classes) booleans: the labels of the records, without those that training lacks."""
        return np.array([self._multi_hot(record) for record in records], bool).reshape(-1, len(self.labels))

    def _unseen(self, records):
        """Labels of the records that training lacks, each once."""
        used = chain.from_iterable(labels_of(record, self.label_field, "") for record in records)
        return tuple(sorted(set(used) - set(self.labels)))

    def _all_classes(self, decisions, records):
        """(labels, truth, predicted labels) with a column, too, for each label that training lacks."""
        unseen = self._unseen(records)
        labels, predicted = (*self.labels, *unseen), self.predicted_labels(decisions)
        predicted = np.pad(predicted, np.array([(0, 0), (0, len(unseen))]))
        return labels, replace(self, labels=labels).truth(records), predicted

    def probabilities(self, decisions: Sequence[dict]) -> np.ndarray:
        """(rows, classes), in the order of `labels`."""
        probabilities = np.zeros((len(decisions), len(self.labels)), "float32")
        for row, decision in zip(probabilities, decisions, strict=True):
            row[decision["labels"]] = decision["probabilities"]
        return probabilities

    def predicted_labels(self, decisions: Sequence[dict]) -> np.ndarray:
        """(rows, classes) booleans: the labels of the decisions, by this objective's threshold with `multi_label`."""
        if self.multi_label:
            return self._selected(self.probabilities(decisions))
        best = np.array([decision["labels"][0] for decision in decisions], int)
        return best[:, None] == np.arange(len(self.labels))

    def scores(self, decisions, records):
        loss = metrics.log_loss(self.truth(records), self.probabilities(decisions), self.multi_label)
        _, truth, predicted = self._all_classes(decisions, records)
        return metrics.classification_scores(truth, predicted) | {"loss": loss}

    def per_class(self, decisions, records):
        return metrics.per_class(*self._all_classes(decisions, records))

    def confusion_matrix(self, decisions, records):
        if self.multi_label:
            return None
        return metrics.confusion_matrix(self.truth(records), self.predicted_labels(decisions))


class LabelPreparation(Preparation["ClassifyText"]):
    """Collects and counts the labels of the training split, and checks those of the other splits."""

    def __init__(self, objective: ClassifyText) -> None:
        super().__init__(objective)
        self.collector, self.counts = LabelCollector(objective.label_field), Counter()

    def add(self, split: str, location: str, record: dict) -> None:
        self.collector.add(split, location, record)
        if split == "train":
            self.counts.update(labels_of(record, self.objective.label_field, location))

    def finish(self, describe: Callable[[str], str]) -> ClassifyText:
        labels = tuple(self.objective.labels) or self.collector.labels(describe("train"))
        self.collector.check(labels, describe)
        prepared = replace(self.objective, labels=labels)
        return replace(prepared, class_weights=self._weights(labels)) if prepared.balanced and self.counts else prepared

    def _weights(self, labels):
        """{label: weight}, inversely proportional to the label's frequency."""
        return {label: self.counts.total() / (len(labels) * max(self.counts[label], 1)) for label in labels}
