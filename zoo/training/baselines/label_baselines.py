"""Baselines of text classification: the most frequent label, and TF-IDF with logistic regression."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo.data.record_sample import MAX_CHARACTERS, RecordSample
from zoo.objectives.classify_text import ClassifyText
from zoo.training.baselines.baseline import CHANCE, Baseline, BaselineData, baselines_of, scored
from zoo.training.baselines.logistic_regression import LogisticRegression
from zoo.training.baselines.tfidf import Tfidf

REGRESSION = "TF-IDF with logistic regression"
MAX_WEIGHTS = 1_500_000  # words x classes of a logistic regression: bounds its time and memory

Predict = Callable[[Sequence[dict]], np.ndarray]  # records -> (records, classes) probabilities


@baselines_of.register
def _(objective: ClassifyText, data: BaselineData) -> dict[str, Baseline]:
    return {
        name: scored(objective, data, lambda records, predict=predict: label_decisions(predict(records)))
        for name, predict in label_predictors(objective, data.sample).items()
    }


def label_predictors(objective: ClassifyText, sample: RecordSample) -> dict[str, Predict]:
    """{name: probabilities of the labels} of each baseline, from a sample of the training records."""
    truth = objective.truth(sample.records)
    shares = truth.sum(axis=0) / max(len(truth), 1)
    predictors: dict[str, Predict] = {CHANCE: lambda records: np.tile(shares, (len(records), 1))}
    if truth.any(axis=0).sum() > 1:
        predictors[REGRESSION + sample.suffix] = _regression(objective, sample.records, truth)
    return predictors


def texts_of(objective: ClassifyText, record: dict) -> tuple[str, ...]:
    """The beginnings of a record's input texts; a list of words is one text."""
    texts = (record["tokens"] if "text" not in record else record[name] for name in objective.fields.inputs)
    return tuple((text if isinstance(text, str) else " ".join(text))[:MAX_CHARACTERS] for text in texts)


def _regression(objective, records, truth) -> Predict:
    columns = list(zip(*(texts_of(objective, record) for record in records), strict=True))
    max_features = MAX_WEIGHTS // (len(objective.labels) * len(columns))
    vectorizers = [Tfidf(texts, max_features) for texts in columns]
    model = LogisticRegression(_stacked(vectorizers, columns), truth, objective.multi_label)

    def predict(records: Sequence[dict]) -> np.ndarray:
        texts = list(zip(*(texts_of(objective, record) for record in records), strict=True))
        return model.probabilities(_stacked(vectorizers, texts or [()] * len(vectorizers)))

    return predict


def _stacked(vectorizers, columns) -> Any:
    """The vectors of the texts of each column side by side."""
    from scipy.sparse import hstack

    parts = [vectorizer(texts) for vectorizer, texts in zip(vectorizers, columns, strict=True)]
    return hstack(parts, format="csr") if len(parts) > 1 else parts[0]


def label_decisions(probabilities: np.ndarray) -> list[dict]:
    """Decisions in the form of `ClassifyText.decide` of (records, classes) probabilities."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1).astype("float32")
    return [{"labels": labels, "probabilities": row} for labels, row in zip(order, ordered, strict=True)]
