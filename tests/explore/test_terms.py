"""Terms of a text in an MLP on counts or TF-IDF, and the tokens that ids of n-grams and words derive from."""

import numpy as np
import pytest
from keras import ops
from tiny_pipelines import tiny_pipeline, tiny_run

import zoo
from zoo import catalog
from zoo.architectures.mlp import MLP
from zoo.explore.attribution import GRADIENT, attribute
from zoo.explore.terms import term_weights
from zoo.explore.text_run import run_text
from zoo.explore.token_shares import token_shares
from zoo.layers.embedding import NGrams
from zoo.layers.shift import ShiftRight
from zoo.layers.word_ids import WordIds

TEXT = "the cat sat on the mat"
UNIGRAMS = ["[CLS]", "the", "cat", "sat", "on", "mat", "[SEP]"]
BIGRAMS = ["[CLS] the", "the cat", "cat sat", "sat on", "on the", "the mat", "mat[SEP]"]


def terms_of(**settings):
    pipeline = tiny_pipeline("classify_text", "mlp", **settings)
    random = np.random.default_rng(0)
    for weight in pipeline.model.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    run = run_text(pipeline, {"text": TEXT})
    return run, term_weights(run)


def test_terms_of_a_linear_network_add_up_to_its_outputs():
    run, terms = terms_of(depth=0, features="counts", l2_norm=1.0)
    assert terms.terms == UNIGRAMS
    np.testing.assert_allclose(terms.value, np.array([1, 2, 1, 1, 1, 1, 1]) / np.sqrt(10), rtol=1e-6)
    model = run.pipeline.model
    dense, head = model.get_layer("dense0"), model.get_layer("logits")
    kernel, bias = (ops.convert_to_numpy(weight) for weight in (dense.kernel, dense.bias))
    weights, head_bias = head.get_weights()
    attribution = attribute(run, [GRADIENT])
    labels = [run.pipeline.objective.labels.index(name.removeprefix("label ")) for name in attribution.outputs]
    tokenizer = run.pipeline.tokenizer
    ids = [tokenizer.id(term) for term in terms.terms]
    expected = ((kernel @ weights)[ids] * terms.value[:, None]).T[labels]
    np.testing.assert_allclose(terms.contribution, expected, atol=1e-5)
    biases = (bias @ weights + head_bias)[labels]
    np.testing.assert_allclose(terms.contribution.sum(1) + biases, attribution.values, atol=1e-5)


def test_bigrams_are_terms_whose_contribution_is_divided_among_their_tokens():
    run, terms = terms_of(ngrams=2, buckets=2**16)
    assert terms.terms == [*UNIGRAMS, *BIGRAMS]
    attribution = attribute(run, [GRADIENT])
    tokens = attribution.methods[0].values["tokens"]
    by_name = dict(zip(terms.terms, terms.contribution.T, strict=True))
    np.testing.assert_allclose(tokens[:, 2], by_name["cat"] + (by_name["the cat"] + by_name["cat sat"]) / 2, atol=1e-5)
    np.testing.assert_allclose(tokens.sum(1), terms.contribution.sum(1), atol=1e-5)


def test_the_decisive_word_is_the_term_that_weighs_most(reviews, tmp_path):
    preset = zoo.Preset(
        architecture=MLP(hidden=16),
        objective=catalog.load("objectives", "classify_text")(length=16),
        tokenizer=catalog.load("tokenizers", "words")(),
        data=zoo.Data(spec=str(reviews)),
        training=zoo.Training(epochs=8, batch_size=16, learning_rate=2e-2),
    )
    terms = term_weights(
        run_text(zoo.train(preset, to=tmp_path / "model"), {"text": "the film was superb with people"})
    )
    assert terms.terms[terms.contribution[0].argmax()] == "superb"


@pytest.mark.parametrize("architecture", ["averaging", "gpt2"])
def test_other_networks_have_no_terms(architecture):
    assert term_weights(tiny_run("classify_text", architecture)) is None


def test_shares_of_ngrams_and_of_a_shifted_text():
    identity = np.eye(3, dtype="float32")
    expected = [*identity, [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 0.5]]
    ids = np.array([[4, 5, 6]])
    np.testing.assert_array_equal(token_shares(NGrams(10, 2), (ids,), None, [identity]), expected)
    np.testing.assert_array_equal(token_shares(ShiftRight(), (ids,), None, [identity]), [[0, 0, 0], *identity[:2]])


def test_shares_of_whole_words():
    """Of "ab c": the last column of ids is padding."""
    ids, identity = np.array([[70, 71, 37, 72]], "int32"), np.eye(4, dtype="float32")
    layer = WordIds(100, [37, 38])
    shares = token_shares(layer, (ops.convert_to_tensor(ids),), layer(ids), [identity])
    np.testing.assert_array_equal(shares[:2], [[0.5, 0.5, 0, 0], [0, 0, 0, 1]])
    assert (shares[2:] == 0).all()
