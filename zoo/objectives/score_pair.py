"""Regression: a number for a pair of texts, such as their similarity (Cer 2017, https://aclanthology.org/S17-2001).

One output on the pooled features of both texts in one row, as Devlin 2018, arXiv:1810.04805, section 4.1, for STS-B;
labels are standardised to mean 0 and standard deviation 1. The compile/fit preset is its AdamW with warm-up and decay.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.layers.dropout import Dropout
from zoo.layers.pooling import pool
from zoo.metrics.regression import regression_scores
from zoo.objectives import Fields, Objective, Preparation
from zoo.objectives._requirements import check_reads_tokens
from zoo.runtime.errors import RowError, UserError


@dataclass(frozen=True, kw_only=True)
class ScorePair(Objective):
    """One number for each pair of texts."""

    dropout: float = 0.1  # before the output layer
    mean: float = 0.0  # of the training labels; set by training
    std: float = 0.0  # standard deviation of the training labels; 0: measured on the training split

    monitor = "pearson"
    fields = Fields(required=("text", "text_pair", "label"), inputs=("text", "text_pair"), texts=("text", "text_pair"))

    def preparation(self, architecture) -> Preparation:
        return LabelScalePreparation(self)

    def check_architecture(self, architecture) -> None:
        check_reads_tokens(architecture, "score_pair")

    def check_record(self, location, record) -> None:
        super().check_record(location, record)
        _number(record["label"], location)

    def examples(self, records, tokenizer, train=True):
        columns = ([record[name] for record in records] for name in self.fields.inputs)
        for record, encoding in zip(records, tokenizer.encode_batch(*columns, length=self.length), strict=True):
            example = {"tokens": encoding.ids, "segments": encoding.segments.astype("uint8")}
            yield example | ({"score": np.array([float(record["label"])], "float32")} if train else {})

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), both texts.
        Targets: (batch, 1) or (batch,) numbers, less `mean`, divided by `std`.
        Weights: (batch,) of each pair; none counts each once.
        """
        targets = (batch.pop("score") - self.mean) / (self.std or 1.0)
        return batch, targets.astype("float32"), batch.get("example_mask", np.ones(len(targets))).astype("float32")

    def head(self, architecture, backbone):
        x = Dropout(self.dropout, name="head_dropout")(pool(architecture, backbone))
        return keras.Model(backbone.input, keras.layers.Dense(1, dtype="float32", name="score")(x))

    def loss(self, model):
        return keras.losses.MeanSquaredError()

    def decide(self, outputs):
        """`score`, (rows,), on the scale of the training labels."""
        return {"score": outputs[:, 0] * (self.std or 1.0) + self.mean}

    @property
    def outputs(self):
        return {"score": None}

    def answer(self, decision, record) -> dict:
        """`{"score"}`, on the scale of the training labels."""
        return {"score": float(decision["score"])}

    def format(self, answer) -> str:
        return f"{answer['score']:.3f}"

    def scores(self, decisions, records):
        predicted = np.array([decision["score"] for decision in decisions], "float64")
        return regression_scores(predicted, np.array([float(record["label"]) for record in records]))


class LabelScalePreparation(Preparation["ScorePair"]):
    """Checks that each label is a number, and measures mean and standard deviation of the training split."""

    def __init__(self, objective: ScorePair) -> None:
        super().__init__(objective)
        self.labels: list[float] = []

    def add(self, split: str, location: str, record: dict) -> None:
        number = _number(record["label"], location)
        if split == "train":
            self.labels.append(number)

    def finish(self, describe: Callable[[str], str]) -> ScorePair:
        if self.objective.std or not self.labels:
            return self.objective
        labels = np.array(self.labels)
        if labels.std() == 0:
            source = describe("train")
            raise UserError(f"Expected different numbers as labels in {source}. Received: label={labels[0]:g} only.")
        return replace(self.objective, mean=float(labels.mean()), std=float(labels.std()))


def _number(label, location):
    try:
        number = float(label)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        message = f"Expected a number as label at {location}. Received: label={label!r:.40}."
        raise RowError(message, "a label that is no number")
    return number
