"""Give a pair of texts a number, such as how alike they are: regression (Cer 2017, https://aclanthology.org/S17-2001).

One output on the pooled features of both texts in one row, as Devlin 2018, arXiv:1810.04805, section 4.1, for STS-B;
the numbers learned have mean 0 and deviation 1. The compile/fit preset is its AdamW with warm-up and linear decay.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.layers.dropout import Dropout
from zoo.layers.pooling import pool
from zoo.metrics.regression import regression_scores
from zoo.objectives import Objective
from zoo.objectives._requirements import check_reads_tokens
from zoo.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ScorePair(Objective):
    """One number for each pair of texts."""

    dropout: float = 0.1  # before the output layer
    mean: float = 0.0  # of the training labels; filled in by training
    std: float = 0.0  # of the training labels; 0: found in the training split

    monitor = "pearson"

    def check_architecture(self, architecture):
        check_reads_tokens(architecture, "score_pair")

    def needs(self):
        return (*self.asks(), "label")

    def asks(self):
        return ("text", "text_pair")

    def fit(self, dataset):
        for split in dataset.splits:
            self.accept(dataset, split)
        if self.std:
            return self
        labels = np.array([float(record["label"]) for record in dataset.records("train")])
        if labels.std() == 0:
            raise UserError(
                f"Expected different numbers as labels in {dataset.describe('train')}. Received: {labels[0]:g}."
            )
        return replace(self, mean=float(labels.mean()), std=float(labels.std()))

    def accept(self, dataset, split):
        for place, record in dataset.located_records(split):
            _number(record["label"], place)

    def texts(self, record):
        return [record[name] for name in self.asks()]

    def examples(self, records, tokenizer, train=True):
        columns = ([record[name] for record in records] for name in self.asks())
        for record, encoding in zip(records, tokenizer.encode_batch(*columns, length=self.length), strict=True):
            example = {"tokens": encoding.ids, "segments": encoding.segments.astype("uint8")}
            yield example | ({"score": np.array([float(record["label"])], "float32")} if train else {})

    def collate(self, batch, random):
        targets = (batch.pop("score") - self.mean) / (self.std or 1.0)
        return batch, targets.astype("float32"), batch.get("examples", np.ones(len(targets))).astype("float32")

    def head(self, architecture, backbone):
        x = Dropout(self.dropout, name="head_dropout")(pool(architecture, backbone))
        return keras.Model(backbone.input, keras.layers.Dense(1, dtype="float32", name="score")(x))

    def loss(self):
        return keras.losses.MeanSquaredError()

    def _scaled(self, outputs):
        return outputs * (self.std or 1.0) + self.mean

    def answer(self, prediction, record):
        """`{"score"}`, on the scale of the training labels."""
        return {"score": float(self._scaled(prediction[0]))}

    def format(self, answer):
        return f"{answer['score']:.3f}"

    def serve(self, outputs):
        """`score`, (rows,), on the scale of the training labels."""
        return {"score": self._scaled(outputs[:, 0])}

    def scores(self, predictions, records):
        found = self._scaled(np.array(predictions, "float64").reshape(-1))
        return regression_scores(found, np.array([float(record["label"]) for record in records]))


def _number(label, place):
    try:
        value = float(label)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise UserError(f"Expected a number as label at {place}. Received: label={label!r:.40}.")
