"""Regression: a number for a pair of texts, such as their similarity (Cer 2017, https://aclanthology.org/S17-2001).

One output on the pooled features of both texts in one row, as Devlin 2018, arXiv:1810.04805, section 4.1, for STS-B;
labels are standardised to mean 0 and standard deviation 1. The compile/fit preset is its AdamW with warm-up and decay.
With `activation="sigmoid"` the number is a probability, as of a cross-encoder that ranks passages for a query (Nogueira
& Cho 2019, arXiv:1901.04085), trained by cross-entropy on labels from 0 to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import ops

from zoo.metrics.regression import regression_scores
from zoo.objectives import Fields, Objective, Preparation
from zoo.objectives._requirements import check_reads_text
from zoo.objectives._text_features import text_features
from zoo.runtime.errors import RowError, UserError, one_of


@dataclass(frozen=True, kw_only=True)
class ScorePair(Objective):
    """One number for each pair of texts, or with `pair=False` for each text."""

    pair: bool = True  # score pairs of texts
    pooling: str | None = None  # max, mean, first, last or attention; None: the architecture's own
    decoder_start_id: int | None = None  # of an encoder-decoder that reads the text twice; set by the import of one
    pooled_id: int | None = None  # pool over tokens with this id only: the end tokens of such a network; None: over all
    dense_activation: str | None = None  # of a dense layer before the output layer: tanh in BERT; None: no such layer
    activation: str | None = None  # of the output: sigmoid, for a probability; None: any number
    dropout: float = 0.1  # before the output layer
    mean: float = 0.0  # of the training labels; set by training
    std: float = 0.0  # standard deviation of the training labels; 0: measured on the training split

    monitor = "pearson"

    def __post_init__(self) -> None:
        if self.activation is not None:
            one_of("activation", self.activation, ("sigmoid",))

    @property
    def fields(self) -> Fields:
        inputs = ("text", "text_pair") if self.pair else ("text",)
        return Fields(required=(*inputs, "label"), inputs=inputs, texts=inputs)

    def preparation(self, architecture) -> Preparation:
        return LabelScalePreparation(self)

    def check_architecture(self, architecture) -> None:
        check_reads_text(architecture, "score_pair", self.decoder_start_id)

    def check_record(self, location, record) -> None:
        super().check_record(location, record)
        self.number(record["label"], location)

    def number(self, label: str, location: str) -> float:
        """A label as a number. Raises `RowError` for no number, or beside a sigmoid for one outside 0 to 1."""
        number = _number(label, location)
        if self.activation and not 0 <= number <= 1:
            message = (
                f"Expected a label from 0 to 1 at {location}, as the output is a sigmoid. Received: {label!r:.40}."
            )
            raise RowError(message, "a label outside 0 to 1")
        return number

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
        inputs, x = text_features(self, architecture, backbone)
        return keras.Model(inputs, keras.layers.Dense(1, dtype="float32", name="score")(x))

    def loss(self, model):
        return keras.losses.BinaryCrossentropy(from_logits=True) if self.activation else keras.losses.MeanSquaredError()

    def decide(self, outputs):
        """`score`, (rows,), on the scale of the training labels."""
        output = ops.sigmoid(outputs[:, 0]) if self.activation else outputs[:, 0]
        return {"score": output * (self.std or 1.0) + self.mean}

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
        number = self.objective.number(record["label"], location)
        if split == "train":
            self.labels.append(number)

    def finish(self, describe: Callable[[str], str]) -> ScorePair:
        if self.objective.std or self.objective.activation or not self.labels:
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
