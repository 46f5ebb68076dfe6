"""The bag of words that the MLP computes: TF-IDF, n-grams, naive Bayes weights, and its dense layers."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.feature_extraction.text import TfidfVectorizer

from zoo.architectures.mlp import MLP
from zoo.tokenizers.characters import Characters

TRAINING = [[3, 4, 5, 3, 3], [4, 6, 7], [8, 4, 4, 9, 3], [9], [5, 5, 6]]
TEXTS = [[3, 3, 4, 9, 8, 5], [7, 7], [4, 10], [10]]  # 10 is not in TRAINING
VOCABULARY = 11


def vectors(backbone, texts, size):
    """The bag-of-words vectors, (texts, size): the sum of the weights of each feature in each text."""
    tokens = np.zeros((len(texts), 7), "int32")
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = text
    model = keras.Model(backbone.input, [backbone.get_layer(name).output for name in ("ngrams", "weights")])
    ids, weights = model({"tokens": tokens})
    features = np.zeros((len(texts), size))
    np.add.at(features, (np.arange(len(texts))[:, None], ops.convert_to_numpy(ids)), ops.convert_to_numpy(weights))
    return features


def backbone_output(backbone, name, ids):
    """The output of a layer of the backbone for (batch, time) token ids."""
    return keras.Model(backbone.input, backbone.get_layer(name).output)({"tokens": ids})


def scikit(**options):
    """The vectors of scikit-learn's TfidfVectorizer, (texts, features), and the token of each feature."""
    words = {str(i): i for i in range(VOCABULARY)}
    vectorizer = TfidfVectorizer(token_pattern=r"\d+", **options).fit([" ".join(map(str, text)) for text in TRAINING])
    features = vectorizer.transform([" ".join(map(str, text)) for text in TEXTS]).toarray()
    return features, [words.get(name) for name in vectorizer.get_feature_names_out()]


@pytest.mark.parametrize(
    ("features", "options"),
    [
        ("tfidf", {}),
        ("sublinear_tfidf", {"sublinear_tf": True}),
        ("counts", {"use_idf": False}),
        ("binary", {"use_idf": False, "binary": True}),
    ],
)
def test_features_are_those_of_scikit_learn(features, options):
    architecture = MLP(vocabulary=VOCABULARY, features=features, hidden=2)
    backbone = architecture.backbone()
    architecture.adapt(backbone, [np.array(text) for text in TRAINING])
    actual = vectors(backbone, TEXTS, VOCABULARY)
    expected, columns = scikit(**options)
    np.testing.assert_allclose(actual[:, columns], expected, atol=1e-5)
    assert actual.sum() == pytest.approx(expected.sum(), abs=1e-4)  # all other columns are zero


def test_ngrams_are_those_of_scikit_learn():
    architecture = MLP(vocabulary=VOCABULARY, features="tfidf", ngrams=2, buckets=2**16, hidden=2)
    backbone = architecture.backbone()
    architecture.adapt(backbone, iter([np.array(text) for text in TRAINING]))
    actual = vectors(backbone, TEXTS, VOCABULARY + 2**16)
    expected, _ = scikit(ngram_range=(1, 2))
    for actual_row, expected_row in zip(actual, expected, strict=True):
        np.testing.assert_allclose(
            np.sort(actual_row[actual_row > 0]), np.sort(expected_row[expected_row > 0]), atol=1e-5
        )


def test_dense_layer_on_top_of_the_features():
    backbone = MLP(vocabulary=VOCABULARY, hidden=3, l2_norm=2.0).backbone()
    kernel, bias = [ops.convert_to_numpy(weight) for weight in backbone.get_layer("dense0").weights]
    tokens = np.array([[3, 3, 4, 0]], "int32")
    actual = vectors(backbone, [[3, 3, 4]], VOCABULARY)
    assert np.linalg.norm(actual) == pytest.approx(2)
    expected = np.maximum(actual @ kernel + bias, 0)
    np.testing.assert_allclose(ops.convert_to_numpy(backbone({"tokens": tokens})), expected, atol=1e-6)


def test_depth_0_is_a_linear_model_that_starts_at_zero():
    backbone = MLP(vocabulary=VOCABULARY, hidden=3, depth=0).backbone()
    backbone.get_layer("dense0").bias.assign([0, -1, 2])
    np.testing.assert_allclose(ops.convert_to_numpy(backbone({"tokens": np.array([[3, 4]], "int32")})), [[0, -1, 2]])


def test_features_below_min_count_have_weight_zero():
    architecture = MLP(vocabulary=VOCABULARY, min_count=2, hidden=3)
    backbone = architecture.backbone()
    architecture.adapt(backbone, [np.array(text) for text in TRAINING])
    assert set(np.flatnonzero(ops.convert_to_numpy(backbone.get_layer("weights").scale))) == {3, 4, 5, 6, 9}


def test_naive_bayes_weights_are_log_count_ratios():
    """Wang & Manning 2012, section 2: r = log((p / |p|) / (q / |q|)), here by hand."""
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]])
    architecture = MLP(vocabulary=VOCABULARY, features="binary", naive_bayes=True, hidden=3)
    backbone = architecture.backbone()
    architecture.adapt(backbone, [np.array(text) for text in TRAINING], labels)
    # 1 + texts of the first label with a word, and 1 + texts of the second
    p, q = {3: 2, 4: 3, 5: 2, 6: 2, 7: 2, 8: 1, 9: 1}, {3: 2, 4: 2, 5: 2, 6: 2, 7: 1, 8: 2, 9: 3}
    expected = {word: abs(np.log((p[word] / sum(p.values())) / (q[word] / sum(q.values())))) for word in p}
    scale = ops.convert_to_numpy(backbone.get_layer("weights").scale)
    assert {word: scale[word] for word in np.flatnonzero(scale)} == pytest.approx(expected, abs=1e-5)


def test_unknown_features_name_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown features. Received: 'tf-idf'. Did you mean 'tfidf'\?"):
        MLP(features="tf-idf")


def test_words_of_characters_are_those_of_scikit_learn():
    texts = ["the cat, the dog", "a dog sat!", "cat"]
    tokenizer = Characters().train(texts)
    facts = {"vocabulary": tokenizer.vocabulary_size, "separators": tokenizer.separators}
    architecture = MLP(**facts, ngrams=2, buckets=2**18, whole_words=True, hidden=2)
    backbone = architecture.backbone()
    architecture.adapt(backbone, [encoding.ids for encoding in tokenizer.encode_batch(texts, special=False)])
    ids = tokenizer.encode("dog: the cat the", special=False).ids[None]
    weights = ops.convert_to_numpy(backbone_output(backbone, "weights", ids))[0]
    vectorizer = TfidfVectorizer(token_pattern=r"\w+").fit(texts)
    expected = vectorizer.transform(["dog: the cat the"]).toarray()[0]
    features = ops.convert_to_numpy(backbone_output(backbone, "features", ids))[0]
    words = weights[features >= tokenizer.vocabulary_size + 2**18]
    value = {word: expected[i] for word, i in vectorizer.vocabulary_.items()}
    np.testing.assert_allclose(words, [value["dog"], value["the"] / 2, value["cat"], value["the"] / 2], atol=1e-5)
    assert np.square(weights[features < tokenizer.vocabulary_size + 2**18]).sum() > 0.5
