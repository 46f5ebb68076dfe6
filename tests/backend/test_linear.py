"""Forms of linear maps for GPUs: one product of several kernels, and outputs padded to tiles of tensor cores."""

import importlib

import keras
import numpy as np
import pytest
from keras import ops

from zoo import backend

pytestmark = pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="TensorFlow has no such forms")


def arrays(*shapes):
    """Random tensors of these shapes."""
    random = np.random.default_rng(0)
    return [ops.convert_to_tensor(random.normal(size=shape).astype("float32")) for shape in shapes]


def forms():
    """The module of this backend."""
    return importlib.import_module(f"zoo.backend.{keras.config.backend()}_linear")


def close(actual, expected):
    np.testing.assert_allclose(ops.convert_to_numpy(actual), ops.convert_to_numpy(expected), atol=1e-5)


def test_projections_of_the_same_features_are_one_product():
    x, *kernels = arrays((2, 5, 8), (8, 6), (8, 2), (8, 3))
    biases = arrays((6,), (2,), (3,))
    joint, apart = forms().joint_linear(x, kernels, biases), backend.linears(x, kernels, biases)
    for actual, other, kernel, bias in zip(joint, apart, kernels, biases, strict=True):
        close(actual, backend.linear(x, kernel, bias))
        close(other, backend.linear(x, kernel, bias))


@pytest.mark.parametrize("outputs", [6, 64, 65])
def test_outputs_padded_to_tiles_are_cut_off(outputs):
    x, kernel, bias = arrays((2, 5, 8), (8, outputs), (outputs,))
    close(forms().aligned_linear(x, kernel, bias), backend.linear(x, kernel, bias))
    close(forms().aligned_linear(x, kernel, None), backend.linear(x, kernel))


def test_few_rows_and_other_devices_keep_the_plain_form(monkeypatch):
    x, kernel = arrays((300, 8), (8, 6))

    def refused(*_):
        raise AssertionError("a form for GPUs")

    monkeypatch.setattr(forms(), "aligned_linear", refused)
    monkeypatch.setattr(forms(), "joint_linear", refused)
    backend.linear(ops.cast(x, "bfloat16"), ops.cast(kernel, "bfloat16"))
    if keras.config.backend() == "jax":
        monkeypatch.setattr(forms().jax, "default_backend", lambda: "gpu")
        backend.linear(ops.cast(x[:3], "bfloat16"), ops.cast(kernel, "bfloat16"))
        with pytest.raises(AssertionError, match="a form for GPUs"):
            backend.linear(ops.cast(x, "bfloat16"), ops.cast(kernel, "bfloat16"))
