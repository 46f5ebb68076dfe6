"""Flash attention with dropout on JAX: its kernels, interpreted on the CPU, against attention with all weights."""

from functools import partial

import keras
import numpy as np
import pytest

if keras.config.backend() != "jax":
    pytest.skip("the kernels are for JAX", allow_module_level=True)

import jax
import jax.numpy as jnp

from zoo.backend import jax_attention, jax_dropout, jax_flash

BITS = np.array([123, 4_000_000_000], "uint32")
flash = partial(jax_flash.flash_attention, interpret=True)


def arrays(time, source, heads, kv_heads, width, dtype="float32"):
    random = np.random.default_rng(0)
    sizes = (time, heads), (source, kv_heads), (source, kv_heads), (time, heads)
    return [jnp.asarray(random.normal(size=(2, *size, width)), dtype) for size in sizes]


def mask_of(kind, time, source):
    if kind == "padding":
        return jnp.arange(source)[None] < jnp.array([[source // 2 + 1], [source]])
    if kind == "examples":  # of packed rows: each token sees itself
        return jnp.asarray(np.random.default_rng(1).random((2, time, source)) < 0.6) | jnp.eye(time, source, dtype=bool)
    return None


@pytest.mark.parametrize(
    ("time", "source", "heads", "kv_heads", "width", "causal", "mask"),
    [
        (70, 70, 4, 4, 16, True, None),  # a last tile that padding fills
        (70, 70, 4, 2, 24, True, "padding"),  # groups of heads, and a width that is no power of two
        (20, 90, 2, 1, 16, False, "padding"),  # cross-attention
        (70, 70, 2, 2, 16, True, "examples"),
        (128, 128, 2, 2, 16, False, None),
    ],
)
def test_values_and_gradients_are_those_of_plain_attention(time, source, heads, kv_heads, width, causal, mask):
    """The same dropout masks too, forwards and backwards: any other would change values by a tenth."""
    *qkv, weight = arrays(time, source, heads, kv_heads, width)
    arguments = mask_of(mask, time, source), causal, 0.3, BITS

    def value_and_gradients(attention):
        return jax.jit(jax.value_and_grad(lambda *x: (attention(*x, *arguments) * weight).sum(), (0, 1, 2)))(*qkv)

    (value, gradients), (expected, expected_gradients) = map(
        value_and_gradients, (flash, jax_attention.plain_attention)
    )
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-3)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, other, atol=2e-5)


def test_the_backward_pass_has_the_dropout_mask_of_the_forward_pass():
    """Attention is linear in the values: with equal masks the gradient by them gives the outputs back."""
    q, k, v, weight = arrays(70, 70, 2, 2, 16)
    y, gradient = jax.vjp(lambda v: flash(q, k, v, None, True, 0.5, BITS), v)
    np.testing.assert_allclose((gradient(weight)[0] * v).sum(), (y * weight).sum(), rtol=1e-4)


def test_weights_are_dropped_at_the_rate_and_anew_for_each_seed():
    """Equal scores and values of one give each query the share of its weights that survive."""
    zeros, ones = jnp.zeros((2, 128, 2, 16)), jnp.ones((2, 128, 2, 16))
    shares = [flash(zeros, zeros, ones, None, False, 0.2, np.array([n, n], "uint32"))[..., 0] for n in (1, 2)]
    for share in shares:
        assert abs(share.mean() - 1) < 0.005  # 65536 weights: a standard deviation of 0.002
        assert abs(share.std() - (0.25 / 128) ** 0.5) < 0.004  # binomial, of queries that draw alone
    assert (shares[0] != shares[1]).mean() > 0.8


def test_all_of_it_lowers_to_three_kernels_on_a_gpu():
    """Forward, gradient of queries, gradient of keys and values; and no array of (time, time)."""
    x = jax.ShapeDtypeStruct((2, 1024, 12, 64), "bfloat16")

    def loss(q, k, v):
        return jax_flash.flash_attention(q, k, v, None, True, 0.1, BITS).astype("float32").sum()

    program = jax.jit(jax.grad(loss, (0, 1, 2))).trace(x, x, x).lower(lowering_platforms=("cuda",)).as_text()
    assert program.count("custom_call @__gpu$xla.gpu.triton") == 3
    assert "1024x1024" not in program


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_kernels_are_checked_while_a_function_is_traced(dtype):
    results = []

    @jax.jit
    def traced(x):
        results.append(jax_flash.disagreement(jax_attention.plain_attention, 64, dtype, interpret=True))
        return x

    traced(1.0)
    assert results == [""]
    plain = jax_attention.plain_attention

    def other(*arguments):
        return plain(*arguments[:-1], arguments[-1] + np.uint32(1))  # another dropout mask

    assert "differ by" in jax_flash.disagreement(other, 64, dtype, interpret=True)


def test_a_gpu_runs_the_kernels_where_they_are_right(monkeypatch):
    """With dropout and half precision; without an additive bias and on one device."""
    calls = []

    def recorded(width, dtype):
        return lambda q, *arguments: calls.append((width, dtype, *arguments[2:5])) or q

    monkeypatch.setattr(jax_attention, "checked_flash", recorded)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    seed = keras.random.SeedGenerator(0)
    q, k, v, _ = arrays(8, 8, 2, 2, 16, "bfloat16")
    jax_attention.attention(q, k, v, None, True, 0.1, seed)
    assert calls == [(16, "bfloat16", None, True, 0.1)]
    jax_attention.attention(q, k, v, None, True, 0.1, seed, bias_BHTS=jnp.zeros((1, 2, 8, 8)))
    jax_attention.attention(*(x.astype("float32") for x in (q, k, v)), None, True, 0.1, seed)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: "of several devices")
    jax_attention.attention(q, k, v, None, True, 0.1, seed)
    assert len(calls) == 1


def test_a_device_without_the_kernels_says_so_once():
    jax_attention.checked_flash.cache_clear()
    with pytest.warns(UserWarning, match="not fused on this device"):
        assert jax_attention.checked_flash(64, "bfloat16") is None
    assert jax_attention.checked_flash(64, "bfloat16") is None


def test_attention_draws_what_dropout_draws():
    """The seed moves on with each call, and a run with the same seed drops the same weights."""
    q, k, v, _ = arrays(8, 8, 2, 2, 16)
    seed, other = keras.random.SeedGenerator(5), keras.random.SeedGenerator(5)
    first, second = (jax_attention.attention(q, k, v, dropout_rate=0.5, seed=seed) for _ in range(2))
    assert abs(first - second).max() > 0.1
    expected = jax_attention.plain_attention(q, k, v, None, False, 0.5, jax_dropout.start_bits(other))
    np.testing.assert_array_equal(first, expected)
