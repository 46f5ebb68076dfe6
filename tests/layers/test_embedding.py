"""Token embedding, padding mask, word dropout and n-grams."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers.embedding import NGrams, PaddingMask, TokenDropout, TokenEmbedding

TOKENS = np.array([[3, 1, 4, 1], [5, 2, 0, 0]], "int32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_the_padding_mask_is_true_at_tokens():
    np.testing.assert_array_equal(array(PaddingMask()(TOKENS)), TOKENS > 0)


def test_padding_is_zero_before_and_after_training():
    layer = TokenEmbedding(7, 3)
    model = keras.Sequential([layer])
    model.compile(keras.optimizers.AdamW(0.1), "mse")
    for _ in range(2):
        actual = array(layer(TOKENS))
        assert np.array_equal(actual[1, 2:], np.zeros((2, 3)))
        assert np.all(actual[TOKENS > 0] != 0)
        model.train_on_batch(TOKENS, np.ones((2, 4, 3)))


def test_embedding_maps_back_to_the_vocabulary():
    layer = TokenEmbedding(7, 3)
    x = layer(TOKENS)
    table = array(layer.embeddings)
    np.testing.assert_allclose(array(layer(x, reverse=True)), array(x) @ table.T, rtol=1e-5, atol=1e-6)


def test_logits_have_the_compute_dtype():
    layer = TokenEmbedding(7, 3, dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(layer(layer(TOKENS), reverse=True).dtype) == "bfloat16"


@pytest.mark.parametrize("replacement", [0, 1])
def test_token_dropout_only_while_training(replacement):
    layer = TokenDropout(0.5, replacement)
    tokens = np.full((20, 50), 6, "int32")
    tokens[:, 40:] = 0
    np.testing.assert_array_equal(array(layer(tokens)), tokens)
    dropped = array(layer(tokens, training=True))
    assert set(np.unique(dropped)) == {0, replacement, 6}
    assert 0.4 < np.mean(dropped[:, :40] == replacement) < 0.6
    assert not dropped[:, 40:].any()
    assert dropped.dtype == np.int32


@pytest.mark.parametrize("rate", [-0.1, 1, 3])
def test_token_dropout_refuses_other_rates(rate):
    with pytest.raises(ValueError, match=f"from 0 to below 1. Received: rate={rate}"):
        TokenDropout(rate)


def test_equal_ngrams_have_equal_ids_and_stop_at_padding():
    layer = NGrams(vocabulary=10, longest=3, buckets=1000)
    ids = array(layer(np.array([[3, 1, 4, 3, 1, 4, 1], [1, 4, 0, 0, 0, 0, 0]], "int32"))).reshape(2, 3, 7)
    np.testing.assert_array_equal(ids[0, 0], [3, 1, 4, 3, 1, 4, 1])
    pairs, triples = ids[:, 1], ids[:, 2]
    assert pairs[0, 0] == pairs[0, 3]
    assert pairs[0, 1] == pairs[0, 4] == pairs[1, 0]
    assert triples[0, 0] == triples[0, 3]
    assert len({*pairs[0], *triples[0]}) == 1 + 4 + 4  # padding; 31 14 43 41; 314 143 431 141
    assert not pairs[0, 6:].any()
    assert not triples[0, 5:].any()
    assert not pairs[1, 1:].any()
    assert not triples[1].any()
    assert ids[:, 1:][ids[:, 1:] > 0].min() >= 10
    assert ids.max() < layer.size == 1010


def test_ngrams_are_the_same_on_every_backend():
    ids = array(NGrams(vocabulary=50_000, longest=3, buckets=2**18)(np.array([[49_999, 31_337, 7]], "int32")))
    hashed, expected = 49_999, [49_999, 31_337, 7]
    for indices in ([31_337, 7], [7]):
        ngrams = [(49_999, 31_337), (31_337, 7)] if len(indices) == 2 else [(49_999, 31_337, 7)]
        for ngram in ngrams:
            hashed = ngram[0]
            for token in ngram[1:]:
                hashed = (hashed * 16_777_619) % 2**32 ^ token
            expected.append(50_000 + hashed * 16_777_619 % 2**32 % 2**18)
        expected += [0] * (3 - len(ngrams))
    np.testing.assert_array_equal(ids[0], expected)
