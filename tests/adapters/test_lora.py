"""LoRA on every kind of kernel: outputs, training and merging."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_or_few, shrink

import zoo
from zoo.adapters.training import LoRATraining
from zoo.adapters.updates import LoRAUpdates
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText

KERNELS = {  # architecture: ends of paths of kernels that support LoRA
    "bert": ("block0_attention/query/kernel", "block0_feed_forward/up/kernel"),
    "llama": ("block0_attention/key/kernel", "block0_feed_forward/gate/kernel"),
    "t5": ("encoder0_attention/out/kernel", "decoder0_source_attention/value/kernel"),
    "lstm": ("layer0_forwards/kernel", "layer0_forwards/recurrent_kernel"),
    "gru": ("layer0_forwards/kernel", "layer0_forwards/recurrent_kernel"),
    "rnn": ("layer0_forwards/kernel", "layer0_forwards/recurrent_kernel"),
    "rnn_seq2seq": ("input_kernel", "recurrence/recurrent_kernel", "attention/key/kernel"),
    "text_cnn": ("kernel",),
    "conv": ("block0_convolution/kernel",),
    "averaging": ("dense0/kernel",),
}


def rows(model, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: ops.convert_to_tensor(rng.integers(1, 2 if name == "segments" else 30, (3, 7)).astype("int32"))
        for name in model.input
    }


def out(model, **options):
    return ops.convert_to_numpy(model(rows(model), **options))


def randomize(updates, seed=1):
    """Set updates to values other than zero, as training would."""
    rng = np.random.default_rng(seed)
    for weight in updates.weights().values():
        weight.assign(rng.normal(0, 0.2, weight.shape))


@pytest.mark.parametrize("name", all_or_few(KERNELS, ("bert", "lstm", "conv")))
def test_updates_change_outputs_and_merge_exactly(name):
    keras.utils.set_random_seed(0)
    model = shrink(name).backbone()
    before, paths = out(model), {weight.path for weight in model.weights}
    updates = LoRAUpdates(model, zoo.LoRA(rank=2, alpha=4.0, targets="kernel"), paths)
    for expected in KERNELS[name]:
        assert any(path.endswith(expected) for path in updates.targets), sorted(updates.targets)
    np.testing.assert_array_equal(out(model), before)  # B is zero
    randomize(updates)
    with_lora = out(model)
    assert np.abs(with_lora - before).max() > 1e-3
    updates.disable()
    np.testing.assert_array_equal(out(model), before)
    updates.enable()
    np.testing.assert_array_equal(out(model), with_lora)
    updates.merge()
    np.testing.assert_allclose(out(model), with_lora, rtol=1e-5, atol=1e-5)
    assert {weight.path for weight in model.weights} == paths


def test_dropout_of_updates_is_active_in_training_only():
    keras.utils.set_random_seed(0)
    model = shrink("lstm", dropout=0.0, embedding_dropout=0.0).backbone()
    lora = zoo.LoRA(rank=2, dropout=0.5, targets="recurrent_kernel")
    randomize(LoRAUpdates(model, lora, {weight.path for weight in model.weights}))
    expected = out(model)
    np.testing.assert_array_equal(out(model), expected)
    assert np.abs(out(model, training=True) - expected).max() > 1e-4


@pytest.mark.parametrize(
    ("name", "targets", "trainable"),
    [
        ("bert", "query|out", {"block0_attention_query_kernel_update", "block0_attention_out_kernel_update"}),
        ("gru", "kernel", {"layer0_forwards_kernel_update", "layer0_forwards_recurrent_kernel_update"}),
    ],
)
def test_only_updates_and_the_head_learn(name, targets, trainable):
    keras.utils.set_random_seed(0)
    objective = ClassifyText(labels=("a", "b"), length=8)
    architecture = shrink(name, dropout=0.0, embedding_dropout=0.0)
    model = build_model(objective, architecture)
    lora = LoRATraining(model, architecture, zoo.LoRA(rank=2, targets=targets), [w.path for w in model.weights])
    model = compile_model(objective, lora.model, keras.optimizers.SGD(0.1))
    assert {w.path.split("/")[0] for w in model.trainable_weights} == trainable | {"logits"}
    inputs, labels = rows(model), np.eye(2, dtype="float32")[[0, 1, 1]]
    frozen = [ops.convert_to_numpy(w.value).copy() for w in model.non_trainable_weights]
    losses = [model.train_on_batch(inputs, labels, return_dict=True)["loss"] for _ in range(20)]
    assert losses[-1] < losses[0]
    for old, weight in zip(frozen, model.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight.value), old)
    for weight in lora.updates.weights().values():
        assert ops.convert_to_numpy(weight.value).any(), weight.path
    assert len(lora.merged().trainable_weights) == len(build_model(objective, architecture).trainable_weights)
