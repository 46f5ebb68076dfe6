"""Exact classification metrics from (rows, classes) arrays of booleans: what is true and what was decided.

Definitions are scikit-learn's, with 0 where a quotient is 0/0 and macro averages over classes that occur in either.
"""

import numpy as np


def classification_scores(truth, decided):
    """Accuracy (all labels of a row right), macro F1 and micro F1, as fractions."""
    _, _, f1, support = _counts(truth, decided)
    occurs = (support + decided.sum(0)) > 0
    right = (truth & decided).sum()
    return {
        "accuracy": float((truth == decided).all(1).mean()) if len(truth) else 0.0,
        "f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
        "f1_micro": float(_ratio(2 * right, truth.sum() + decided.sum())),
    }


def log_loss(truth, probabilities, multi_label=False):
    """Mean negative log-likelihood in nats: of the true class, or with `multi_label` of every yes and no."""
    likely = np.log(np.clip(probabilities, 1e-12, 1))
    unlikely = np.log(np.clip(1 - probabilities, 1e-12, 1))
    each = np.where(truth, likely, unlikely).ravel() if multi_label else likely[truth]
    return float(-each.mean()) if each.size else 0.0


def per_class(labels, truth, decided):
    """One dict a class: label, precision, recall, f1 and support (rows that truly have it)."""
    columns = zip(labels, *(column.tolist() for column in _counts(truth, decided)), strict=True)
    return [dict(zip(("label", "precision", "recall", "f1", "support"), row, strict=True)) for row in columns]


def confusion_matrix(truth, decided):
    """(classes, classes) counts, for one label a row: how often the true class i was called j."""
    return truth.astype(int).T @ decided.astype(int)


def best_threshold(truth, probabilities):
    """The probability from which labels are given that maximises micro F1, midway between two observed ones."""
    order = np.argsort(-probabilities, axis=None, kind="stable")
    ranked, right = probabilities.ravel()[order], np.cumsum(truth.ravel()[order])
    f1 = _ratio(2 * right, np.arange(1, len(ranked) + 1) + truth.sum())
    ties = np.append(ranked[1:] == ranked[:-1], False)  # no threshold tells equal probabilities apart
    if not truth.any():
        return 0.5
    best = int(np.argmax(np.where(ties, -1, f1)))
    return float((ranked[best] + (ranked[best + 1] if best + 1 < len(ranked) else 0)) / 2)


def _counts(truth, decided):
    right = (truth & decided).sum(0)
    precision, recall = _ratio(right, decided.sum(0)), _ratio(right, truth.sum(0))
    return precision, recall, _ratio(2 * right, truth.sum(0) + decided.sum(0)), truth.sum(0)


def _ratio(part, whole):
    return np.asarray(part, float) / np.maximum(whole, 1)
