"""LoRA on every kind of kernel: what it computes, what it learns, what is left after merging."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import shrunk

import zoo
from zoo.adapters.lora import Updates, adapt, kernels
from zoo.layers.low_rank import product

KERNELS = {  # architecture: kernels that its layers have in kind, numbers as 0
    "bert": ("block0_attention/query/kernel", "block0_feed_forward/widen/kernel"),
    "llama": ("block0_attention/key/kernel", "block0_feed_forward/gate/kernel"),
    "t5": ("encoder0_attention/out/kernel", "decoder0_source_attention/value/kernel"),
    "lstm": ("layer0_forwards/kernel", "layer0_forwards/recurrent_kernel"),
    "gru": ("layer0_forwards/kernel", "layer0_forwards/recurrent_kernel"),
    "rnn": ("layer0_forwards/kernel", "layer0_forwards/recurrent_kernel"),
    "rnn_seq2seq": ("feed", "recurrence/recurrent_kernel", "align/key/kernel"),
    "text_cnn": ("kernel",),
    "conv": ("block0_convolution/kernel",),
    "averaging": ("dense0/kernel",),
}


def rows(model, seed=0):
    draw = np.random.default_rng(seed)
    return {name: ops.convert_to_tensor(draw.integers(1, 2 if name == "types" else 30, (3, 7)).astype("int32"))
            for name in model.input}


def out(model, **options):
    return ops.convert_to_numpy(model(rows(model), **options))


def shaken(updates, seed=1):
    """Give updates numbers that are not zero, as training would."""
    draw = np.random.default_rng(seed)
    for weight in updates.weights().values():
        weight.assign(draw.normal(0, 0.2, weight.shape))


@pytest.mark.parametrize("name", KERNELS)
def test_updates_change_outputs_and_merge_exactly(name):
    keras.utils.set_random_seed(0)
    model = shrunk(name).trunk()
    before, paths = out(model), {weight.path for weight in model.weights}
    updates = Updates(model, zoo.LoRA(rank=2, alpha=4.0, pattern="kernel|feed"), paths)
    for wanted in KERNELS[name]:
        assert any(path.endswith(wanted) for path in updates.places), sorted(updates.places)
    np.testing.assert_array_equal(out(model), before)  # B is zero
    shaken(updates)
    adapted = out(model)
    assert np.abs(adapted - before).max() > 1e-3
    updates.switch_off()
    np.testing.assert_array_equal(out(model), before)
    updates.switch_on()
    np.testing.assert_array_equal(out(model), adapted)
    updates.merge()
    np.testing.assert_allclose(out(model), adapted, atol=1e-5)
    assert {weight.path for weight in model.weights} == paths
