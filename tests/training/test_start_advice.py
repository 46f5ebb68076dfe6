"""Advice at the start of a run: high rates for pretrained weights, and bfloat16."""

from dataclasses import replace

import pytest

from zoo import catalog, config
from zoo.training import hardware
from zoo.training.start_advice import start_advice

PRESET = catalog.load("presets", "bert_sst2")


@pytest.mark.parametrize(
    ("overrides", "bfloat16", "words"),
    [
        ([], False, []),
        (["training.learning_rate=2e-3"], False, []),  # random weights
        (["training.init=FOLDER"], False, []),
        (["training.init=FOLDER", "training.learning_rate=2e-3"], False, ["learning_rate=0.002 is high"]),
        (["training.init=FOLDER", "training.learning_rate=2e-3", "lora.rank=8"], False, []),
        (["training.init=FOLDER", "training.learning_rate=2e-3", "tuning.freeze=backbone"], False, []),
        (["training.init=FOLDER", "training.precision=float32"], True, ["training.precision=mixed_bfloat16"]),
        (["training.init=FOLDER", "training.precision=mixed_bfloat16"], True, []),
    ],
)
def test_advice(overrides, bfloat16, words):
    lines = list(start_advice(config.override(PRESET, overrides), bfloat16))
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))


def test_a_default_preset_has_no_advice():
    assert not list(start_advice(replace(PRESET, training=replace(PRESET.training, init="")), True))


@pytest.mark.parametrize("accelerated", [False, True])
def test_automatic_precision_is_that_of_the_device(accelerated, monkeypatch, capsys):
    monkeypatch.setattr(hardware.backend, "has_accelerator", lambda: accelerated)
    monkeypatch.setattr(hardware.backend, "accelerates_bfloat16", lambda: accelerated)
    assert PRESET.training.precision == "auto"
    precision = hardware.with_precision(PRESET).training.precision
    assert precision == ("mixed_bfloat16" if accelerated else "float32")
    assert ("mixed_bfloat16" in capsys.readouterr().err) == accelerated
    chosen = config.override(PRESET, ["training.precision=float32"])
    assert hardware.with_precision(chosen) == chosen
