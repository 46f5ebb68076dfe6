"""Linear probes: logistic regression on frozen features (Alain & Bengio 2016, https://arxiv.org/abs/1610.01644)."""

import numpy as np

from zoo.training.baselines.logistic_regression import LogisticRegression

EXAMPLES = 2000  # of which a probe is trained, at most


def probe_accuracy(
    features: np.ndarray, labels: np.ndarray, test_features: np.ndarray, test_labels: np.ndarray
) -> float:
    """The accuracy of a linear probe on test examples.

    Args:
        features: (rows, width), of the first of which the probe is trained; they are standardised.
        labels: (rows,) classes: numbers or booleans.
        test_features: (test rows, width).
        test_labels: (test rows,); a class that is in no training row counts as an error.
    """
    from scipy.sparse import csr_array

    features, labels = features[:EXAMPLES], labels[:EXAMPLES]
    mean, std = features.mean(0), features.std(0) + 1e-6
    classes = np.unique(labels)
    regression = LogisticRegression(csr_array((features - mean) / std), labels[:, None] == classes)
    probabilities = regression.probabilities((test_features - mean) / std)
    return float((classes[probabilities.argmax(1)] == test_labels).mean())
