"""Calibration of probabilities: reliability, the expected calibration error (ECE), and scores over thresholds."""

from dataclasses import dataclass

import numpy as np

BINS = 15  # of equal width: Guo et al. 2017, arXiv:1706.04599, section 5


@dataclass(frozen=True)
class Reliability:
    """Mean confidence and accuracy of the predictions in each bin of confidence that holds any."""

    confidence: np.ndarray  # (bins,)
    accuracy: np.ndarray  # (bins,)
    count: np.ndarray  # (bins,) predictions

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and accuracy (Naeini 2015; Guo 2017)."""
        return (
            float(np.average(np.abs(self.confidence - self.accuracy), weights=self.count)) if len(self.count) else 0.0
        )


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Reliability:
    """Reliability of predictions.

    Args:
        confidence: (predictions,) the probability of each.
        correct: (predictions,) whether it is right.
    """
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(number, minlength=bins)
    used = count > 0
    means = [np.bincount(number, values.astype(float), bins)[used] / count[used] for values in (confidence, correct)]
    return Reliability(means[0], means[1], count[used])


def threshold_scores(truth: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """Micro-averaged precision, recall and F1 of multi-label predictions at each threshold, 0 where a quotient is 0/0.

    Args:
        truth: (rows, classes) booleans.
        probabilities: (rows, classes).
        thresholds: (thresholds,) probabilities from which a label is selected.
    """
    selected = [(probabilities >= threshold) for threshold in thresholds]
    correct = np.array([(truth & chosen).sum() for chosen in selected], float)
    chosen = np.array([chosen.sum() for chosen in selected])
    total = truth.sum()
    return {
        "precision": correct / np.maximum(chosen, 1),
        "recall": correct / max(total, 1),
        "F1": 2 * correct / np.maximum(chosen + total, 1),
    }
