"""Which axis of each weight is split over devices."""

import keras
import pytest
from tiny import shrink

import zoo
from zoo.objectives import build_model
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.next_token import NextToken
from zoo.transforms.sharding import build_sharded, weight_axes


def axes(model, devices, tensor_parallel=True):
    """{path of a weight: axis that is split}."""
    return {weight.path: axis for weight, axis in weight_axes(model, devices, tensor_parallel)}


def test_axes_follow_the_kind_of_layer():
    llama = axes(build_model(NextToken(), shrink("llama", width=16, hidden=24)), 2)
    blocks = {path.partition("_")[2]: axis for path, axis in llama.items() if path.startswith("block0")}
    assert {path: axis for path, axis in blocks.items() if path.endswith("kernel")} == {
        **{f"attention/{name}/kernel": 1 for name in ("query", "key", "value")},
        "attention/out/kernel": 0,
        **{f"feed_forward/{name}/kernel": 1 for name in ("gate", "up")},
        "feed_forward/down/kernel": 0,
    }
    assert llama["embedding/embeddings"] == 0
    bert = axes(build_model(ClassifyText(labels=("a", "b")), shrink("bert")), 2)
    assert bert["block0_attention/query/bias"] == 0  # added to the columns
    assert bert["block0_attention/out/bias"] is None  # added to the sum over the rows
    cnn = axes(build_model(ClassifyText(labels=("a", "b", "c")), shrink("text_cnn")), 4)
    assert {axis for path, axis in cnn.items() if path.startswith("convolution") and path.endswith("kernel")} == {2}
    assert cnn["logits/kernel"] == 0  # 3 classes do not divide among 4
    lstm = axes(build_model(ClassifyText(labels=("a", "b")), shrink("lstm")), 2)
    assert {axis for path, axis in lstm.items() if path.endswith("recurrent_kernel")} == {1}


def test_fully_sharded_weights_are_split_along_their_longest_axis_that_divides():
    model = build_model(NextToken(), shrink("gpt2", vocabulary=39, width=16, hidden=24))
    split = axes(model, 8, tensor_parallel=False)
    assert split["embedding/embeddings"] == 1  # 39 ids do not divide
    assert split["block0_feed_forward/up/kernel"] == 1
    assert split["block0_feed_forward/down/kernel"] == 0
    assert split["block0_feed_forward/up/bias"] is None
    assert set(axes(model, 1009, tensor_parallel=False).values()) == {None}


@pytest.mark.skipif(keras.config.backend() != "jax", reason="keras.distribution is JAX's")
def test_a_large_kernel_that_would_stay_whole_on_each_device_is_refused(monkeypatch):
    def build():
        return keras.Sequential([keras.Input((1021,)), keras.layers.Dense(1031, name="large")])

    device = keras.distribution.list_devices()[:1]
    mesh = keras.distribution.DeviceMesh((1,), ("batch",), device)
    distribution = keras.distribution.ModelParallel(layout_map=keras.distribution.LayoutMap(mesh))
    monkeypatch.setattr(type(mesh), "shape", (8,))
    message = r"above 4 MB to divide among 8 devices .*fsdp. Received: .*large/kernel of shape \(1021, 1031\), 4.2 MB"
    with distribution.scope(), pytest.raises(zoo.UserError, match=message) as error:
        build_sharded(build)
    assert "\n" not in str(error.value)
