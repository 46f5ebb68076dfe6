"""Fused attention against a softmax written in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo import backend
from zoo.layers.attention import MultiHeadAttention

PADDED = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], bool)


def array(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def random_array(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def expected(q, k, v, allowed):
    """Attention written out; `allowed` is (batch, time, source time)."""
    k, v = (np.repeat(x, q.shape[2] // x.shape[2], axis=2) for x in (k, v))
    scores = np.einsum("bthd,bshd->bhts", q, k) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True)) * allowed[:, None]
    return np.einsum("bhts,bshd->bthd", weights / weights.sum(-1, keepdims=True), v)


def attend(q, k, v, padding_mask=None, causal=False):
    q, k, v = (ops.convert_to_tensor(x) for x in (q, k, v))
    padding_mask = None if padding_mask is None else ops.convert_to_tensor(padding_mask)
    return array(backend.attention(q, k, v, padding_mask, causal))


@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_equals_a_softmax(kv_heads, causal, padded):
    q, k, v = random_array(2, 6, 4, 8), random_array(2, 6, kv_heads, 8), random_array(2, 6, kv_heads, 8)[::-1]
    allowed = np.tril(np.ones((2, 6, 6), bool)) if causal else np.ones((2, 6, 6), bool)
    padding_mask = PADDED if padded else None
    if padded:
        allowed = allowed & PADDED[:, None]
    np.testing.assert_allclose(attend(q, k, v, padding_mask, causal), expected(q, k, v, allowed), atol=1e-5)


def test_an_attention_mask_has_a_row_for_each_query():
    q, k, v = random_array(2, 6, 4, 8), random_array(2, 5, 4, 8), random_array(2, 5, 4, 8)[::-1]
    allowed = np.random.default_rng(0).random((2, 6, 5)) < 0.6
    allowed[..., 0] = True
    np.testing.assert_allclose(attend(q, k, v, allowed), expected(q, k, v, allowed), atol=1e-5)


def test_a_query_with_all_keys_masked_is_finite():
    x = random_array(2, 6, 4, 8)
    padding_mask = PADDED & np.array([[True], [False]])
    actual = attend(x, x, x, padding_mask)
    assert np.isfinite(actual).all()
    np.testing.assert_allclose(actual[0], attend(x, x, x)[0], atol=1e-5)


def layer_and_weights(x, **options):
    layer = MultiHeadAttention(4, **options)
    layer(x)
    return layer, {weight.path.split("/", 1)[1]: array(weight.value) for weight in layer.trainable_weights}


def by_hand(weights, x, source, allowed, kv_heads=4):
    def project(name, y, heads):
        y = y @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
        return y.reshape(*y.shape[:2], heads, -1)

    y = expected(
        project("query", x, 4), project("key", source, kv_heads), project("value", source, kv_heads), allowed
    ).reshape(x.shape)
    return y @ weights["out/kernel"] + weights["out/bias"]


def test_layer_with_padding_and_grouped_heads():
    x = random_array(2, 6, 16)
    layer, weights = layer_and_weights(x, kv_heads=2, dropout=0.5)
    allowed = np.broadcast_to(PADDED[:, None], (2, 6, 6))
    assert weights["key/kernel"].shape == (16, 8)
    np.testing.assert_allclose(array(layer(x, padding_mask=PADDED)), by_hand(weights, x, x, allowed, 2), atol=1e-5)


def test_cross_attention():
    x, source = random_array(2, 4, 16), random_array(2, 6, 12)
    layer = MultiHeadAttention(4)
    actual = array(layer(x, context=source, padding_mask=PADDED))
    weights = {weight.path.split("/", 1)[1]: array(weight.value) for weight in layer.trainable_weights}
    allowed = np.broadcast_to(PADDED[:, None], (2, 4, 6))
    np.testing.assert_allclose(actual, by_hand(weights, x, source, allowed), atol=1e-5)


def test_rotary_attention_depends_on_relative_positions():
    x = random_array(1, 6, 16)
    layer = MultiHeadAttention(4, rotary={"rope_theta": 10_000.0})
    from_zero = array(layer(x))
    np.testing.assert_allclose(array(layer(x, positions=np.arange(50, 56)[None])), from_zero, atol=1e-4)
    assert np.abs(array(layer(x, positions=np.array([[0, 2, 4, 6, 8, 10]]))) - from_zero).max() > 1e-3


def test_dropout_only_while_training():
    x = random_array(2, 6, 16)
    layer, _ = layer_and_weights(x, dropout=0.5)
    np.testing.assert_array_equal(array(layer(x)), array(layer(x, training=False)))
    assert np.abs(array(layer(x, training=True)) - array(layer(x, training=True))).max() > 1e-3


def test_dropout_of_attention_weights_keeps_the_mean():
    layer = MultiHeadAttention(1, dropout=0.3)
    x = np.ones((1, 64, 4), "float32")
    mean = np.mean([array(layer(x, training=True)) for _ in range(20)])
    assert mean == pytest.approx(np.mean(array(layer(x))), rel=0.05)


def test_gradients_of_padded_texts_are_finite():
    inputs, padding_mask = keras.Input((None, 16)), keras.Input((None,), dtype="bool")
    y = MultiHeadAttention(4, causal=True, dropout=0.1)(inputs, padding_mask=padding_mask)
    model = keras.Model([inputs, padding_mask], y)
    model.compile("sgd", "mse")
    masks = PADDED & np.array([[True], [False]])
    model.train_on_batch([random_array(2, 6, 16), masks], np.zeros((2, 6, 16)))
    assert all(np.isfinite(array(weight.value)).all() for weight in model.trainable_weights)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(policy):
    x = random_array(2, 6, 16)
    layer = MultiHeadAttention(4, causal=True, rotary={"rope_theta": 10_000.0}, dtype=policy)
    actual = layer(x, padding_mask=PADDED)
    assert keras.backend.standardize_dtype(actual.dtype) == policy.removeprefix("mixed_")
    full = MultiHeadAttention(4, causal=True, rotary={"rope_theta": 10_000.0})
    full.build(x.shape)
    full.set_weights([array(weight.value) for weight in layer.weights])
    np.testing.assert_allclose(array(actual)[0], array(full(x, padding_mask=PADDED))[0], atol=0.05)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"heads must divide the width. Received: heads=3, width=16"):
        MultiHeadAttention(3)(random_array(1, 2, 16))
    with pytest.raises(ValueError, match=r"kv_heads must divide heads. Received: kv_heads=3, heads=4"):
        MultiHeadAttention(4, kv_heads=3)
