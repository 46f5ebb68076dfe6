"""Logits processors: equal to those of transformers; tokens are sampled by their probability."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import chisquare

from zoo.generation.generation_config import GenerationConfig
from zoo.generation.history import History
from zoo.generation.logits_processors import process_logits, sample

BATCH, VOCABULARY, LENGTH, NEW = 4, 12, 20, 5
COUNTS = np.array([11, 5, 8, 20])


@pytest.fixture(scope="module")
def random():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def logits(random):
    return random.normal(size=(BATCH, VOCABULARY), scale=3).astype("float32")


@pytest.fixture(scope="module")
def text(random):
    return random.integers(0, 4, (BATCH, LENGTH)).astype("int32")  # few different ids, so that n-grams repeat


def processed(logits, text, **settings):
    settings = GenerationConfig(max_new_tokens=50, **settings)
    history = History(
        *(ops.convert_to_tensor(array) for array in (text, COUNTS.astype("int32"))), NEW, _stops(settings)
    )
    arrays = keras.tree.map_structure(ops.convert_to_tensor, settings.arrays())
    return ops.convert_to_numpy(process_logits(ops.convert_to_tensor(logits), history, arrays))


def _stops(settings):
    return ops.convert_to_tensor(np.array(settings.stop_ids or (-1,), "int32"))


PROCESSORS = {  # (class in transformers, config, arguments of the class)
    "temperature": ("TemperatureLogitsWarper", {"temperature": 0.7}, (0.7,)),
    "top_k": ("TopKLogitsWarper", {"top_k": 3}, (3,)),
    "top_p": ("TopPLogitsWarper", {"top_p": 0.8}, (0.8,)),
    "min_p": ("MinPLogitsWarper", {"min_p": 0.1}, (0.1,)),
    "typical_p": ("TypicalLogitsWarper", {"typical_p": 0.6}, (0.6,)),
    "repetition_penalty": ("RepetitionPenaltyLogitsProcessor", {"repetition_penalty": 1.4}, (1.4,)),
    "no_repeat_ngram 2": ("NoRepeatNGramLogitsProcessor", {"no_repeat_ngram": 2}, (2,)),
    "no_repeat_ngram 3": ("NoRepeatNGramLogitsProcessor", {"no_repeat_ngram": 3}, (3,)),
    "bad_words": (
        "NoBadWordsLogitsProcessor",
        {"bad_words": ((3,), (1, 2), (0, 1, 5), (2, 2, 7))},
        ([[3], [1, 2], [0, 1, 5], [2, 2, 7]],),
    ),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_equal_to_transformers(name, logits, text):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    class_name, settings, arguments = PROCESSORS[name]
    if name in ("temperature", "top_k", "top_p", "min_p", "typical_p"):
        settings = {"temperature": 1.0} | settings
    actual = processed(logits, text, **settings)
    processor = getattr(transformers, class_name)(*arguments)
    for row, count in enumerate(COUNTS):
        ids = torch.from_numpy(text[row : row + 1, :count]).long()
        expected = processor(ids, torch.from_numpy(logits[row : row + 1]).clone()).numpy()[0]
        np.testing.assert_allclose(actual[row], expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_penalties_of_new_tokens(name, logits, text):
    """By OpenAI's definition: the penalty times how often a token was generated, or whether it was."""
    counts = np.stack(
        [np.bincount(row[count - NEW : count], minlength=VOCABULARY) for row, count in zip(text, COUNTS, strict=True)]
    )
    expected = logits - 0.7 * (counts if name == "frequency_penalty" else counts > 0)
    np.testing.assert_allclose(processed(logits, text, **{name: 0.7}), expected, rtol=1e-5)


def test_logit_bias_is_added(logits, text):
    expected = logits.copy()
    expected[:, [2, 5, 9]] += [1.5, -100, 3]
    np.testing.assert_allclose(processed(logits, text, logit_bias={2: 1.5, 5: -100, 9: 3}), expected, rtol=1e-5)


def test_min_tokens_forbids_the_stop_ids(logits, text):
    early = processed(logits, text, min_tokens=NEW + 1, stop_ids=(2, 5))
    assert np.isneginf(early[:, [2, 5]]).all()
    assert np.isfinite(np.delete(early, [2, 5], axis=1)).all()
    np.testing.assert_array_equal(processed(logits, text, min_tokens=NEW, stop_ids=(2, 5)), logits)
    np.testing.assert_array_equal(processed(logits, text, min_tokens=NEW + 1), logits)


def test_no_repeat_ngram_of_1_forbids_all_tokens_of_the_text(logits, text):
    actual = processed(logits, text, no_repeat_ngram=1)
    for row, count in enumerate(COUNTS):
        assert set(np.flatnonzero(np.isneginf(actual[row]))) == set(text[row, :count])


@pytest.mark.parametrize("settings", [{}, {"top_p": 0.8}, {"temperature": 0.5, "top_k": 5}])
def test_tokens_are_sampled_by_their_probability(settings, logits, text, random):
    logits_after = processed(logits, text, **{"temperature": 1.0} | settings)[0]
    count = 20_000
    sampled = sample(
        ops.convert_to_tensor(np.tile(logits_after, (count, 1))), ops.convert_to_tensor(random.random(count, "float32"))
    )
    counts = np.bincount(ops.convert_to_numpy(sampled), minlength=VOCABULARY)
    expected = np.exp(logits_after.astype("float64") - logits_after.max())
    expected *= count / expected.sum()
    assert not counts[expected == 0].any()
    likely = expected > 5  # the chi-square test needs at least 5 expected samples
    expected *= counts[likely].sum() / expected[likely].sum()
    assert chisquare(counts[likely], expected[likely]).pvalue > 1e-3


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24])
def test_forbidden_tokens_at_the_ends_are_never_sampled(uniform):
    logits = ops.convert_to_tensor(np.array([[-np.inf, 0, 1, -np.inf]], "float32"))
    assert int(sample(logits, ops.convert_to_tensor(np.array([uniform], "float32")))[0]) in (1, 2)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", (0.5, 1.0, 2.0, 0.1)),
        ("top_k", (1, 3, 12, 5)),
        ("top_p", (0.1, 0.8, 0.5, 1.0)),
        ("min_p", (0.0, 0.1, 0.9, 0.5)),
        ("typical_p", (0.1, 0.8, 0.5, 1.0)),
        ("repetition_penalty", (1.0, 1.3, 2.0, 0.7)),
        ("min_tokens", (NEW, NEW + 1, 0, 9)),
    ],
)
def test_each_row_has_its_own_parameter(name, values, logits, text):
    stops, dtype = (
        ops.convert_to_tensor(np.array([2, 5], "int32")),
        "float32" if isinstance(values[1], float) else "int32",
    )
    history = History(*(ops.convert_to_tensor(array) for array in (text, COUNTS.astype("int32"))), NEW, stops)

    def rows(parameter):
        processors = {name: ops.convert_to_tensor(np.array(parameter, dtype))}
        return ops.convert_to_numpy(process_logits(ops.convert_to_tensor(logits), history, processors))

    batch = rows(values)
    for i, value in enumerate(values):
        np.testing.assert_array_equal(batch[i], rows(value)[i])
    if name in ("top_k", "top_p"):
        np.testing.assert_array_equal(rows({"top_k": 0, "top_p": 1.0}[name]), logits)


@pytest.mark.parametrize("temperature", [1e-4, 1e-9, 1e-300])
def test_the_smallest_temperatures_choose_the_likeliest_token(logits, text, temperature):
    logits_after = ops.convert_to_tensor(processed(100 * logits, text, temperature=temperature))
    tokens = ops.convert_to_numpy(sample(logits_after, ops.convert_to_tensor(np.full(BATCH, 0.5, "float32"))))
    np.testing.assert_array_equal(tokens, logits.argmax(axis=1))
