"""Runs with gradient checkpointing: the weights of a run without, saved as a plain model; resumed, and with LoRA."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from kill import KilledError, kill_after

import zoo
from zoo.architectures.averaging import Averaging
from zoo.architectures.transformer_encoder import TransformerEncoder

REMAT = ["training.remat=true"]


def weights(pipeline):
    return {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in pipeline.model.weights}


def assert_close(pipeline, other, tolerance=2e-4):
    expected, actual = weights(other), weights(pipeline)
    assert actual.keys() == expected.keys()
    for path, value in actual.items():
        np.testing.assert_allclose(value, expected[path], atol=tolerance, err_msg=path)


@pytest.fixture
def small(tiny):
    network = TransformerEncoder(width=16, depth=2, heads=2, hidden=32, dropout=0.2)
    return replace(tiny, architecture=network, training=replace(tiny.training, epochs=2, learning_rate=3e-3))


def test_a_run_trains_the_same_weights_and_resumes_to_them(small, tmp_path, monkeypatch):
    plain = zoo.train(small, to=tmp_path / "plain")
    remat = zoo.train(small, to=tmp_path / "remat", overrides=REMAT)
    assert_close(remat, plain)
    assert_close(zoo.load(tmp_path / "remat"), remat, 0)
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(KilledError):
            zoo.train(small, to=tmp_path / "cut", overrides=REMAT)
    assert_close(zoo.train(small, to=tmp_path / "cut", overrides=REMAT, resume=True), remat, 0)


def test_lora_of_packed_rows_trains_the_same_updates(small, tmp_path):
    zoo.train(small, to=tmp_path / "start", overrides=["training.epochs=1"])
    settings = [f"training.init={tmp_path / 'start'}", "lora.rank=2", "training.packed_length=32"]
    plain = zoo.train(small, to=tmp_path / "plain", overrides=settings)
    assert_close(zoo.train(small, to=tmp_path / "remat", overrides=[*settings, *REMAT]), plain)


def test_a_network_without_blocks_is_refused(tiny, tmp_path):
    with pytest.raises(zoo.UserError, match=r"training.remat needs a network with blocks. Received: .* with Averaging"):
        zoo.train(
            replace(tiny, architecture=Averaging(width=16, depth=0)),
            to=tmp_path / "m",
            overrides=["training.remat=true"],
        )
    assert not (tmp_path / "m").exists()
