"""Put a text into a class and tag its words, both at once, as the intent of a request and its slots.

One backbone carries the head of `classify_text` and that of `tag_tokens`, and the sum of their losses is learned (Liu &
Lane 2016, https://arxiv.org/abs/1609.01454). The compile/fit preset is AdamW with warm-up and decay.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.objectives._requirements import check_feature_a_token
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.tag_tokens import TagTokens


@dataclass(frozen=True, kw_only=True)
class ClassifyAndTag(TagTokens):
    """One label for each text, and a tag for each of its words.

    Of a text that is read in several windows, the first one tells the label.
    """

    labels: tuple[str, ...] = ()  # in the order of the outputs; empty: those of the training split
    pooling: str | None = None  # max, mean, first, last or attention; None: what suits the architecture

    monitor = "accuracy_both"
    text_outputs = ("label",)

    @property
    def whole(self):
        """The objective of the label alone."""
        return ClassifyText(length=self.length, labels=self.labels, pooling=self.pooling, dropout=self.dropout)

    def check_architecture(self, architecture):
        check_feature_a_token(architecture, "classify_and_tag")

    def needs(self):
        return (*super().needs(), "label")

    def fit(self, dataset):
        return replace(super().fit(dataset), labels=self.whole.fit(dataset).labels)

    def accept(self, dataset, split):
        super().accept(dataset, split)
        self.whole.accept(dataset, split)

    def examples(self, records, tokenizer, train=True):
        for record, pieces in zip(records, self._pieces(records, tokenizer), strict=True):
            target = self._target(record, pieces) if train else None
            for i, example in enumerate(self._windows(pieces, tokenizer, target)):
                yield example | ({"label": self._label(record, i == 0)} if train else {})

    def _label(self, record, first):
        return np.array([first and label == record["label"] for label in self.labels], "uint8")

    def collate(self, batch, random):
        label = batch.pop("label").astype("float32")
        inputs, tags, weights = super().collate(batch, random)
        return inputs, {"tags": tags, "label": label}, {"tags": weights, "label": label.sum(-1)}

    def head(self, architecture, backbone):
        outputs = {
            "tags": super().head(architecture, backbone).output,
            "label": self.whole.head(architecture, backbone).output,
        }
        return keras.Model(backbone.input, outputs)

    def loss(self):
        return {"tags": super().loss(), "label": self.whole.loss()}

    def _judged(self, surprise):
        return {"tags": surprise, "label": self.whole.loss()}

    def metrics(self):
        return {"tags": [], "label": self.whole.metrics()}

    def predict(self, run, records, tokenizer):
        """For each record (what `TagTokens` predicts, the logits of its label)."""
        texts = self._outputs(run, records, tokenizer)
        scores = [(pieces, [one["tags"] for one in outputs]) for pieces, outputs in texts]
        tagged = self._tagged(run.model, scores, tokenizer)
        return [(tags, outputs[0]["label"]) for tags, (_, outputs) in zip(tagged, texts, strict=True)]

    def answer(self, prediction, record):
        """`{"label", "probabilities"}` as of `ClassifyText`, and as "found" what `TagTokens` answers."""
        tags, logits = prediction
        return self.whole.answer(logits, record) | {"found": super().answer(tags, record)}

    def format(self, answer):
        return f"{self.whole.format(answer)}  {super().format(answer['found'])}"

    def serve(self, outputs):
        """What `TagTokens` serves, and each text's `label` and its `probability`, of which logits are given last."""
        *tags, logits = outputs
        whole = self.whole.serve(logits)
        return super().serve(tags) | {"label": whole["labels"][:, 0], "probability": whole["probabilities"][:, 0]}

    def words(self):
        return super().words() | {"label": self.labels}

    def scores(self, predictions, records):
        """Those of `TagTokens`, those of `ClassifyText` as `..._label`, and of texts all right `accuracy_both`."""
        tags, logits = _columns(predictions)
        whole = {f"{name}_label": score for name, score in self.whole.scores(logits, records).items()}
        right = self.whole.decide(np.array(logits).reshape(-1, len(self.labels)))[self.whole.truth(records)]
        tagged = np.array([one == other for one, other in self._both(tags, records)], bool)
        both = {"accuracy_both": float((right & tagged).mean()) if records else 0.0}
        return both | super().scores(tags, records) | whole

    def selection_key(self, scores):
        """Of two epochs with as many texts all right, the one that is surer of their labels has learned more."""
        return (scores[self.monitor], -scores["loss_label"])

    def per_class(self, predictions, records):
        tags, logits = _columns(predictions)
        return self.whole.per_class(logits, records) + super().per_class(tags, records)

    def confusion_matrix(self, predictions, records):
        return self.whole.confusion_matrix(_columns(predictions)[1], records)


def _columns(predictions):
    return [list(column) for column in zip(*predictions, strict=True)] or [[], []]
