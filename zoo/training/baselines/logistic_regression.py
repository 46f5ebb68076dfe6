"""Logistic regression on sparse vectors, multinomial or one-vs-rest, by L-BFGS (Liu & Nocedal 1989).

Equal to scikit-learn's `LogisticRegression` with its defaults: C = 1, no penalty on the intercepts, one sigmoid for two
classes. https://doi.org/10.1007/BF01589116
"""

from typing import Any

import numpy as np

ROWS = 2048  # whose logits are in memory at once
TOLERANCE = 1e-4  # of the largest gradient; scikit-learn's
MAX_ITERATIONS = 100  # scikit-learn's
WORK = 1e10  # multiplications of a fit, above which it makes fewer iterations: 20 s


class LogisticRegression:
    """Probabilities of classes from sparse vectors.

    Args:
        vectors: (rows, features) `csr_array`.
        truth: (rows, classes) booleans, the classes of each row.
        multi_label: a sigmoid for each class, in place of a softmax over all.
    """

    def __init__(self, vectors: Any, truth: np.ndarray, multi_label: bool = False) -> None:
        from scipy.optimize import minimize

        self.binary = truth.shape[1] == 2 and not multi_label
        self.softmax = not (self.binary or multi_label)
        truth = truth[:, 1:] if self.binary else truth
        self.shape = (vectors.shape[1] + 1, truth.shape[1])
        work = max(2 * vectors.nnz * truth.shape[1], 1)
        options = {
            "maxiter": int(np.clip(WORK / work, 10, MAX_ITERATIONS)),
            "maxcor": 10,
            "maxls": 50,
            "gtol": TOLERANCE,
            "ftol": 64 * np.finfo(float).eps,
        }
        start = np.zeros(self.shape[0] * self.shape[1])
        parts = ((vectors[i : i + ROWS], truth[i : i + ROWS]) for i in range(0, len(truth), ROWS))
        blocks = [(part, part.T.tocsr(), rows) for part, rows in parts]
        result = minimize(self._loss, start, (blocks, len(truth)), "L-BFGS-B", jac=True, options=options)
        self.weights = result.x.reshape(self.shape)  # the last row: intercepts

    def _loss(self, flat, blocks, count):
        """(loss, its gradient), both divided by the number of rows."""
        weights = flat.reshape(self.shape)
        gradient = weights / count
        gradient[-1] = 0
        loss = (weights[:-1] ** 2).sum() / (2 * count)
        for vectors, transposed, truth in blocks:
            logits = vectors @ weights[:-1] + weights[-1]
            if self.softmax:
                loss -= logits[truth].sum() / count
                errors, log_sums = _softmax(logits)
                loss += log_sums.sum() / count
            else:
                loss += (np.logaddexp(0, logits) - truth * logits).sum() / count
                errors = _sigmoid(logits)
            errors -= truth
            errors /= count
            gradient[:-1] += transposed @ errors
            gradient[-1] += errors.sum(0)
        return loss, gradient.ravel()

    def probabilities(self, vectors: Any) -> np.ndarray:
        """(rows, classes) probabilities of (rows, features) vectors."""
        logits = vectors @ self.weights[:-1] + self.weights[-1]
        if self.softmax:
            return _softmax(logits)[0]
        positive = _sigmoid(logits)
        return np.concatenate([1 - positive, positive], axis=1) if self.binary else positive


def _softmax(logits):
    """(probabilities, logarithms of the sums of exponentials); `logits` (rows, classes) are overwritten."""
    highest = logits.max(axis=1, keepdims=True)
    logits -= highest
    probabilities = np.exp(logits, out=logits)
    sums = probabilities.sum(axis=1, keepdims=True)
    probabilities /= sums
    return probabilities, (highest + np.log(sums))[:, 0]


def _sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits))
