"""Exact classification metrics from (rows, classes) arrays of booleans: the true labels and the predicted ones.

Definitions are scikit-learn's, with 0 where a quotient is 0/0 and macro averages over classes that occur in either.
"""

from collections.abc import Sequence

import numpy as np


def classification_scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """`accuracy` (all labels of a row correct), `f1` (macro) and `f1_micro`, as fractions."""
    _, _, f1, support = _counts(truth, predicted)
    occurs = (support + predicted.sum(0)) > 0
    correct = (truth & predicted).sum()
    return {
        "accuracy": float((truth == predicted).all(1).mean()) if len(truth) else 0.0,
        "f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
        "f1_micro": float(_ratio(2 * correct, truth.sum() + predicted.sum())),
    }


def log_loss(truth: np.ndarray, probabilities: np.ndarray, multi_label: bool = False) -> float:
    """Cross-entropy: mean negative log-likelihood in nats of the true class, or with `multi_label` of each label."""
    yes = np.log(np.clip(probabilities, 1e-12, 1))
    no = np.log(np.clip(1 - probabilities, 1e-12, 1))
    logs = np.where(truth, yes, no).ravel() if multi_label else yes[truth]
    return float(-logs.mean()) if logs.size else 0.0


def per_class(labels: Sequence[str], truth: np.ndarray, predicted: np.ndarray) -> list[dict]:
    """A row for each class: label, precision, recall, f1 and support (rows with that true label)."""
    columns = zip(labels, *(column.tolist() for column in _counts(truth, predicted)), strict=True)
    return [dict(zip(("label", "precision", "recall", "f1", "support"), row, strict=True)) for row in columns]


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(classes, classes) counts of rows with true class i (row) and predicted class j, for one label a row."""
    return truth.astype(int).T @ predicted.astype(int)


def best_threshold(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold of probabilities with the highest micro F1, midway between two observed probabilities."""
    order = np.argsort(-probabilities, axis=None, kind="stable")
    sorted_probabilities, correct = probabilities.ravel()[order], np.cumsum(truth.ravel()[order])
    f1 = _ratio(2 * correct, np.arange(1, len(correct) + 1) + truth.sum())
    if not truth.any():
        return 0.5
    ties = np.append(sorted_probabilities[1:] == sorted_probabilities[:-1], False)  # no threshold separates these
    best = int(np.argmax(np.where(ties, -1, f1)))
    below = sorted_probabilities[best + 1] if best + 1 < len(correct) else 0
    return float((sorted_probabilities[best] + below) / 2)


def _counts(truth, predicted):
    """(precision, recall, f1, support) of each class."""
    correct = (truth & predicted).sum(0)
    support, positives = truth.sum(0), predicted.sum(0)
    f1 = _ratio(2 * correct, support + positives)
    return _ratio(correct, positives), _ratio(correct, support), f1, support


def _ratio(part, total):
    return np.asarray(part, float) / np.maximum(total, 1)
