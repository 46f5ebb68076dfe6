"""Joint text classification and sequence labelling, as of the intent of a request and its slots.

One backbone carries the head of `classify_text` and that of `tag_tokens`, and the loss is the sum of both (Liu & Lane
2016, https://arxiv.org/abs/1609.01454). The compile/fit preset is AdamW with warm-up and decay.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.objectives import Fields, Preparation
from zoo.objectives._requirements import check_feature_a_token
from zoo.objectives._tagging import TagPreparation
from zoo.objectives.classify_text import ClassifyText, LabelPreparation
from zoo.objectives.tag_tokens import TagTokens


@dataclass(frozen=True, kw_only=True)
class ClassifyAndTag(TagTokens):
    """One label for each text, and a tag for each of its words.

    Of a text in several windows, the first window decides the label.
    """

    labels: tuple[str, ...] = ()  # in the order of the outputs; empty: those of the training split
    pooling: str | None = None  # max, mean, first, last or attention; None: the architecture's own

    text_outputs = ("label",)
    fields = Fields(required=("tokens", "tags", "label"), inputs=("text",), texts=("tokens",))

    @property
    def monitor(self) -> str:
        return "accuracy_both"

    @property
    def classifier(self) -> ClassifyText:
        """The objective of the label alone."""
        return ClassifyText(length=self.length, labels=self.labels, pooling=self.pooling, dropout=self.dropout)

    def preparation(self, architecture) -> Preparation:
        return BothPreparation(self)

    def check_architecture(self, architecture) -> None:
        check_feature_a_token(architecture, "classify_and_tag")

    def examples(self, records, tokenizer, train=True):
        for record, alignment in zip(records, self._alignments(records, tokenizer), strict=True):
            labels = self._labels(record, alignment) if train else None
            for i, example in enumerate(self._windows(alignment, tokenizer, labels)):
                yield example | ({"label": self._one_hot(record, i == 0)} if train else {})

    def _one_hot(self, record, first_window):
        return np.array([first_window and label == record["label"] for label in self.labels], "uint8")

    def collate(self, batch, random):
        label = batch.pop("label").astype("float32")
        inputs, tags, weights = super().collate(batch, random)
        return inputs, {"tags": tags, "label": label}, {"tags": weights, "label": label.sum(-1)}

    def head(self, architecture, backbone):
        tags, label = super().head(architecture, backbone), self.classifier.head(architecture, backbone)
        return keras.Model(backbone.input, {"tags": tags.output, "label": label.output})

    def loss(self, model):
        return {"tags": super().loss(model), "label": self.classifier.loss(model)}

    def decide(self, outputs):
        """As `TagTokens.decide`, and each text's `label` and its `probability`; `classes` and `probabilities` of all.

        `outputs` also has `label`, logits (rows, classes).
        """
        decision = self.classifier.decide(outputs["label"])
        classes, probabilities = decision["labels"], decision["probabilities"]
        label = {"label": classes[:, 0], "probability": probabilities[:, 0]}
        return super().decide(outputs) | label | {"classes": classes, "probabilities": probabilities}

    @property
    def outputs(self):
        return super().outputs | {"label": self.labels, "probability": None}

    def answer(self, decision, record) -> dict:
        """`{"label", "probabilities"}` as of `ClassifyText`, and as "found" the answer of `TagTokens`."""
        return self.classifier.answer(_label(decision), record) | {"found": super().answer(decision, record)}

    def format(self, answer) -> str:
        return f"{self.classifier.format(answer)}  {super().format(answer['found'])}"

    def scores(self, decisions, records):
        """Those of `TagTokens`, those of `ClassifyText` as `..._label`, and `accuracy_both`: label and all tags."""
        label_decisions = [_label(decision) for decision in decisions]
        label = {f"{name}_label": score for name, score in self.classifier.scores(label_decisions, records).items()}
        label_hits = self.classifier.decided(label_decisions)[self.classifier.truth(records)]
        tag_hits = np.array([true == tags for true, tags in self.tag_pairs(decisions, records)], bool)
        both = {"accuracy_both": float((label_hits & tag_hits).mean()) if records else 0.0}
        return both | super().scores(decisions, records) | label

    def selection_key(self, scores):
        return (scores[self.monitor], -scores["loss_label"])

    def per_class(self, decisions, records):
        return self.classifier.per_class([_label(decision) for decision in decisions], records) + super().per_class(
            decisions, records
        )

    def confusion_matrix(self, decisions, records):
        return self.classifier.confusion_matrix([_label(decision) for decision in decisions], records)


class BothPreparation(Preparation["ClassifyAndTag"]):
    """The passes over labels and over tags."""

    def __init__(self, objective: ClassifyAndTag) -> None:
        super().__init__(objective)
        self.tags, self.label = TagPreparation(objective), LabelPreparation(objective.classifier)

    def add(self, split: str, location: str, record: dict) -> None:
        self.label.add(split, location, record)
        self.tags.add(split, location, record)

    def finish(self, describe: Callable[[str], str]) -> ClassifyAndTag:
        return replace(self.tags.finish(describe), labels=self.label.finish(describe).labels)


def _label(decision):
    """The part of a decision that is one of `ClassifyText`."""
    return {"labels": decision["classes"], "probabilities": decision["probabilities"]}
