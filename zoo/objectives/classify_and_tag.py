"""Joint text classification and sequence labelling, such as intent detection and slot filling.

One backbone with the heads of `classify_text` and `tag_tokens`; the loss is the sum of both losses (Liu & Lane 2016,
https://arxiv.org/abs/1609.01454). The compile/fit preset is AdamW with warm-up and decay.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.objectives import Fields, Preparation
from zoo.objectives._requirements import check_token_features
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
    proportions = ("accuracy_both", "accuracy_label")
    fields = Fields(
        required=("tokens", "tags", "label"), inputs=("text",), texts=("tokens",), optional=("text", "spans")
    )

    @property
    def monitor(self) -> str:
        return "accuracy_both"

    @property
    def classifier(self) -> ClassifyText:
        """The `ClassifyText` objective of the label."""
        return ClassifyText(length=self.length, labels=self.labels, pooling=self.pooling, dropout=self.dropout)

    def preparation(self, architecture) -> Preparation:
        return JointPreparation(self)

    def check_architecture(self, architecture) -> None:
        check_token_features(architecture, "classify_and_tag")

    def examples(self, records, tokenizer, train=True):
        for record, alignment in zip(records, self._alignments(records, tokenizer), strict=True):
            labels = self._labels(record, alignment) if train else None
            for i, example in enumerate(self._windows(alignment, tokenizer, labels)):
                yield example | ({"label": self._one_hot(record, i == 0)} if train else {})

    def _one_hot(self, record, first_window):
        return np.array([first_window and label == record["label"] for label in self.labels], "uint8")

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time).
        Targets: `tags` (batch, time) indices of `tags`, -1 or 0 where a token has none; `label` (batch,) indices of
            `labels`, or (batch, classes) one-hot.
        Weights: `tags` (batch, time), 0 where a token has no tag; `label` (batch,) of each text.
        """
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
        """`{"label", "probabilities"}` as of `ClassifyText`, and as "tags" the answer of `TagTokens`."""
        return self.classifier.answer(_label_decision(decision), record) | {"tags": super().answer(decision, record)}

    def answer_columns(self, answer) -> dict:
        return self.classifier.answer_columns(answer) | {"tags": answer["tags"]}

    def format(self, answer) -> str:
        return f"{self.classifier.format(answer)}  {super().format(answer['tags'])}"

    def scores(self, decisions, records):
        """Scores of `TagTokens`, those of `ClassifyText` as `..._label`, and `accuracy_both`: label and all tags."""
        label_decisions = [_label_decision(decision) for decision in decisions]
        label = {f"{name}_label": score for name, score in self.classifier.scores(label_decisions, records).items()}
        label_hits = (self.classifier.predicted_labels(label_decisions) & self.classifier.truth(records)).any(1)
        tag_hits = np.array([true == tags for true, tags in self.tag_pairs(decisions, records)], bool)
        joint = {"accuracy_both": float((label_hits & tag_hits).mean()) if records else 0.0}
        return joint | super().scores(decisions, records) | label

    def selection_key(self, scores):
        return (scores[self.monitor], scores.get("f1", scores["accuracy"]), -scores["loss_label"])

    def per_class(self, decisions, records):
        label_decisions = [_label_decision(decision) for decision in decisions]
        return self.classifier.per_class(label_decisions, records) + super().per_class(decisions, records)

    def confusion_matrix(self, decisions, records):
        return self.classifier.confusion_matrix([_label_decision(decision) for decision in decisions], records)


class JointPreparation(Preparation["ClassifyAndTag"]):
    """The label and tag preparations in one pass."""

    def __init__(self, objective: ClassifyAndTag) -> None:
        super().__init__(objective)
        self.tags, self.label = TagPreparation(objective), LabelPreparation(objective.classifier)

    def add(self, split: str, location: str, record: dict) -> None:
        self.label.add(split, location, record)
        self.tags.add(split, location, record)

    def finish(self, describe: Callable[[str], str]) -> ClassifyAndTag:
        return replace(self.tags.finish(describe), labels=self.label.finish(describe).labels)


def _label_decision(decision):
    """The `ClassifyText` part of a decision."""
    return {"labels": decision["classes"], "probabilities": decision["probabilities"]}
