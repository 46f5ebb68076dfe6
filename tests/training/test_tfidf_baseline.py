"""TF-IDF and logistic regression equal scikit-learn's."""

import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.multiclass import OneVsRestClassifier

from zoo.training.baselines import logistic_regression
from zoo.training.baselines.logistic_regression import LogisticRegression
from zoo.training.baselines.tfidf import MAX_CHARACTERS, Tfidf, words_of_text

TEXTS = ["The film, the FILM!", "a I x", "", "don't stop_now 42 times", "naïve Ünïcode film", "times the film stop"]


def corpus(rows, seed=0):
    """(texts, class of each text of three)."""
    rng = random.Random(seed)
    classes = [i % 3 for i in range(rows)]
    texts = [" ".join([*rng.choices([f"word{i}" for i in range(40)], k=6), f"word{40 + label}"]) for label in classes]
    return texts, np.array(classes)


def test_vectors_equal_scikit_learn():
    ours, reference = Tfidf(TEXTS), TfidfVectorizer().fit(TEXTS)
    names = reference.get_feature_names_out()
    columns = [ours.index[name] for name in names]
    assert len(ours) == len(names)
    new = [*TEXTS, "an unseen film"]
    np.testing.assert_allclose(ours(new).toarray()[:, columns], reference.transform(new).toarray(), atol=1e-12)


def test_the_most_frequent_words_are_kept():
    assert set(Tfidf(TEXTS, max_features=3).index) == set(TfidfVectorizer(max_features=3).fit(TEXTS).vocabulary_)


def test_chinese_is_read_by_the_character():
    assert words_of_text("我爱film 2") == ["我", "爱", "film"]


def test_only_the_beginning_of_a_long_text_is_read():
    assert words_of_text("ab " * MAX_CHARACTERS) == words_of_text("ab " * (MAX_CHARACTERS // 3) + "ab")


def test_cosines():
    cosines = Tfidf(TEXTS).cosines(["the film", "stop times", ""], ["film the", "naïve", "film"])
    assert cosines == pytest.approx([1, 0, 0])


@pytest.mark.parametrize("classes", [2, 3])
def test_regression_equals_scikit_learn(classes):
    texts, y = corpus(120)
    y = np.minimum(y, classes - 1)
    vectorizer = Tfidf(texts)
    ours = LogisticRegression(vectorizer(texts), y[:, None] == np.arange(classes))
    reference = Reference().fit(vectorizer(texts), y)
    new = vectorizer(corpus(60, seed=1)[0])
    np.testing.assert_allclose(ours.probabilities(new), reference.predict_proba(new), atol=1e-4)


def test_one_versus_rest_equals_scikit_learn():
    texts, y = corpus(120)
    truth = np.stack([y == 0, y == 1, y < 2, np.arange(120) % 5 == 0], axis=1)
    vectors = Tfidf(texts)(texts)
    ours = LogisticRegression(vectors, truth, multi_label=True).probabilities(vectors)
    reference = OneVsRestClassifier(Reference()).fit(vectors, truth.astype(int)).predict_proba(vectors)
    np.testing.assert_allclose(ours, reference, atol=1e-3)


def test_rows_are_read_in_blocks(monkeypatch):
    texts, y = corpus(50)
    vectors, truth = Tfidf(texts)(texts), y[:, None] == np.arange(3)
    whole_weights = LogisticRegression(vectors, truth).weights
    monkeypatch.setattr(logistic_regression, "ROWS", 7)
    np.testing.assert_allclose(LogisticRegression(vectors, truth).weights, whole_weights, atol=1e-6)
