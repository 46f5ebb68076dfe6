"""The CRF against an enumeration of all sequences; padding, extreme scores, allowed transitions and the gradient."""

from itertools import pairwise, product

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.crf import CRF, CRFLoss
from zoo.layers.crf_algorithms import viterbi

TAGS, TIME = 3, 5
LENGTHS = (5, 3, 1, 0)


@pytest.fixture(scope="module")
def crf():
    """A CRF with random transition scores."""
    random, layer = np.random.default_rng(0), CRF(TAGS)
    layer.build((None, None, 4))
    for weight in (layer.transitions, layer.start_transitions, layer.end_transitions):
        weight.assign(random.normal(size=weight.shape, scale=2))
    return layer


@pytest.fixture(scope="module")
def scores():
    return np.random.default_rng(1).normal(size=(len(LENGTHS), TIME, TAGS), scale=3).astype("float32")


def padding_mask():
    return np.arange(TIME) < np.array(LENGTHS)[:, None]


def array(tensor):
    return ops.convert_to_numpy(tensor)


def sequences(crf, score_TK):
    """{every sequence of tags: its score}, one addition at a time."""
    weights = crf.transitions, crf.start_transitions, crf.end_transitions
    transitions, start, end = (array(weight).astype("float64") for weight in weights)
    scores = {}
    for tags in product(range(TAGS), repeat=len(score_TK)):
        score = start[tags[0]] + end[tags[-1]] + sum(float(score_TK[t, tag]) for t, tag in enumerate(tags))
        scores[tags] = score + sum(transitions[pair] for pair in pairwise(tags))
    return scores


def log_sum(values):
    values = np.array(list(values))
    return values.max() + np.log(np.exp(values - values.max()).sum())


def test_negative_log_likelihood_is_that_of_enumeration(crf, scores):
    tags = np.random.default_rng(2).integers(0, TAGS, (len(LENGTHS), TIME)).astype("int32")
    actual = array(crf.negative_log_likelihood(scores, tags, padding_mask()))
    for row, length in enumerate(LENGTHS[:-1]):
        score_of = sequences(crf, scores[row, :length])
        expected = log_sum(score_of.values()) - score_of[tuple(tags[row, :length].tolist())]
        assert actual[row] == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert actual[-1] == 0  # no tag


def test_marginals_are_those_of_enumeration(crf, scores):
    actual = array(crf.marginals(scores, padding_mask()))
    for row, length in enumerate(LENGTHS[:-1]):
        score_of = sequences(crf, scores[row, :length])
        total = log_sum(score_of.values())
        for index, tag in product(range(length), range(TAGS)):
            expected = sum(np.exp(score - total) for tags, score in score_of.items() if tags[index] == tag)
            assert actual[row, index, tag] == pytest.approx(expected, abs=1e-5)
        assert not actual[row, length:].any()


def test_decoding_finds_the_best_of_all_sequences(crf, scores):
    actual = array(crf.decode(scores, padding_mask()))
    for row, length in enumerate(LENGTHS[:-1]):
        score_of = sequences(crf, scores[row, :length])
        assert tuple(actual[row, :length].tolist()) == max(score_of, key=score_of.get)
        assert not actual[row, length:].any()


def test_decoding_follows_allowed_transitions(crf, scores):
    allowed = np.ones((TAGS + 1, TAGS + 1), bool)
    allowed[0, 1] = allowed[2, 2] = allowed[-1, 1] = allowed[0, -1] = False
    actual = array(crf.decode(scores, padding_mask(), allowed))

    def is_allowed(tags):
        return all(allowed[pair] for pair in zip((-1, *tags), (*tags, -1), strict=True))

    for row, length in enumerate(LENGTHS[:-1]):
        score_of = {tags: score for tags, score in sequences(crf, scores[row, :length]).items() if is_allowed(tags)}
        assert tuple(actual[row, :length].tolist()) == max(score_of, key=score_of.get)


def test_without_transitions_each_position_has_its_own_best_tag(scores):
    actual = array(viterbi(scores, padding_mask(), ops.zeros((TAGS, TAGS)), ops.zeros(TAGS), ops.zeros(TAGS)))
    np.testing.assert_array_equal(actual, np.where(padding_mask(), scores.argmax(-1), 0))


def test_padding_changes_nothing(crf, scores):
    tags = np.ones((len(LENGTHS), TIME), "int32")
    changed = np.where(padding_mask()[..., None], scores, 99.0).astype("float32")
    for method, arguments in (
        (crf.negative_log_likelihood, (tags, padding_mask())),
        (crf.marginals, (padding_mask(),)),
    ):
        np.testing.assert_allclose(array(method(changed, *arguments)), array(method(scores, *arguments)), atol=1e-5)
    np.testing.assert_array_equal(array(crf.decode(changed, padding_mask())), array(crf.decode(scores, padding_mask())))
    alone = array(crf.negative_log_likelihood(scores[1:2, :3], tags[1:2, :3], padding_mask()[1:2, :3]))
    np.testing.assert_allclose(alone, array(crf.negative_log_likelihood(scores, tags, padding_mask()))[1:2], rtol=1e-5)


@pytest.mark.parametrize("scale", [30.0, 3e3, 3e6])
def test_extreme_scores_give_a_finite_loss_that_is_never_negative(crf, scores, scale):
    tags = np.zeros((len(LENGTHS), TIME), "int32")
    nats = array(crf.negative_log_likelihood(scores * scale, tags, padding_mask()))
    assert np.isfinite(nats).all()
    assert (nats >= -1e-3 * scale).all()
    np.testing.assert_allclose(array(crf.marginals(scores * scale, padding_mask())).sum(-1), padding_mask(), atol=1e-3)


def random_crf():
    keras.utils.set_random_seed(0)
    inputs, layer = keras.Input((None, 4)), CRF(TAGS, name="crf", dtype="float32")
    model = keras.Model(inputs, layer(inputs))
    for weight in (layer.transitions, layer.start_transitions, layer.end_transitions):
        weight.assign(np.random.default_rng(3).normal(size=weight.shape))
    model.compile(keras.optimizers.SGD(1.0), CRFLoss(layer))
    return model


def test_the_step_of_gradient_descent_is_that_of_finite_differences():
    model, random = random_crf(), np.random.default_rng(4)
    features = random.normal(size=(2, 4, 4)).astype("float32")
    targets = np.array([[0, -1, 2, 1], [-1, 2, -1, -1]], "int32")  # -1 as at the further pieces of a word
    weights = np.where(targets >= 0, targets.size / (targets >= 0).sum(), 0).astype("float32")
    before = [array(weight).astype("float64") for weight in model.trainable_variables]

    def loss(values):
        kernel, bias, transitions, start, end = values
        total = 0.0
        for row, tags in zip(features.astype("float64") @ kernel + bias, targets, strict=True):
            labelled = tags >= 0
            attributes = {"transitions": transitions, "start_transitions": start, "end_transitions": end}
            score_of = sequences(type("Weights", (), attributes), row[labelled])
            total += log_sum(score_of.values()) - score_of[tuple(tags[labelled].tolist())]
        return total / (targets >= 0).sum()

    assert model.test_on_batch(features, targets, sample_weight=weights) == pytest.approx(loss(before), rel=1e-5)
    model.train_on_batch(features, targets, sample_weight=weights)
    for number, weight in enumerate(model.trainable_variables):
        for index in np.ndindex(*weight.shape):
            shifted = [value.copy() for value in before]
            shifted[number][index] += 1e-4
            high = loss(shifted)
            shifted[number][index] -= 2e-4
            slope = (high - loss(shifted)) / 2e-4
            step = before[number][index] - array(weight)[index]
            assert step == pytest.approx(slope, abs=2e-4), (weight.path, index)


def test_a_crf_is_saved_and_loaded(tmp_path):
    model, features = random_crf(), np.random.default_rng(5).normal(size=(1, 3, 4)).astype("float32")
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", compile=False)
    actual = [array(m.get_layer("crf").marginals(m(features), np.ones((1, 3), bool))) for m in (model, loaded)]
    np.testing.assert_array_equal(*actual)
