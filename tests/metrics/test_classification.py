"""Classification metrics equal scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

from zoo.metrics import classification as metrics

multi_label = st.tuples(st.integers(1, 12), st.integers(2, 5)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)
single = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=30).map(
        lambda pairs: (np.eye(n, dtype=bool)[[p[0] for p in pairs]], np.eye(n, dtype=bool)[[p[1] for p in pairs]])
    )
)


@given(multi_label)
def test_several_labels_as_scikit_learn(pair):
    truth, predicted = pair
    actual = metrics.classification_scores(truth, predicted)
    occurs = np.flatnonzero((truth | predicted).any(0))
    assert actual["accuracy"] == pytest.approx((truth == predicted).all(1).mean())
    assert actual["f1_micro"] == pytest.approx(f1_score(truth, predicted, average="micro", zero_division=0))
    if len(occurs):
        expected = f1_score(truth, predicted, average=None, zero_division=0)[occurs]
        assert actual["f1"] == pytest.approx(expected.mean())


@given(single)
def test_one_label_as_scikit_learn(pair):
    truth, predicted = pair
    true_ids, predicted_ids = truth.argmax(1), predicted.argmax(1)
    names = [str(i) for i in range(truth.shape[1])]
    assert metrics.classification_scores(truth, predicted)["f1"] == pytest.approx(
        f1_score(true_ids, predicted_ids, average="macro")
    )
    expected = precision_recall_fscore_support(true_ids, predicted_ids, labels=range(len(names)), zero_division=0)
    rows = metrics.per_class(names, truth, predicted)
    np.testing.assert_allclose([[row[k] for row in rows] for k in ("precision", "recall", "f1", "support")], expected)
    counts = confusion_matrix(true_ids, predicted_ids, labels=range(len(names)))
    np.testing.assert_array_equal(metrics.confusion_matrix(truth, predicted), counts)


@given(multi_label, st.integers(0, 99))
def test_no_threshold_beats_the_calibrated_one(pair, seed):
    truth, _ = pair
    probabilities = np.random.default_rng(seed).integers(1, 9, truth.shape) / 10
    f1 = lambda threshold: metrics.classification_scores(truth, probabilities >= threshold)["f1_micro"]  # noqa: E731
    if truth.any():
        assert f1(metrics.best_threshold(truth, probabilities)) >= max(f1(t) for t in np.arange(0.05, 1, 0.05)) - 1e-12
    else:
        assert metrics.best_threshold(truth, probabilities) == 0.5


def test_no_rows():
    empty = np.zeros((0, 3), bool)
    assert metrics.classification_scores(empty, empty) == {"accuracy": 0.0, "f1": 0.0, "f1_micro": 0.0}


def test_loss_as_scikit_learn():
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(20, 3)), random.integers(0, 3, 20)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = np.eye(3, dtype=bool)[labels]
    assert metrics.log_loss(truth, probabilities) == pytest.approx(log_loss(labels, probabilities, labels=range(3)))
    losses = [log_loss(column, p, labels=[False, True]) for column, p in zip(truth.T, probabilities.T, strict=True)]
    assert metrics.log_loss(truth, probabilities, multi_label=True) == pytest.approx(np.mean(losses))
