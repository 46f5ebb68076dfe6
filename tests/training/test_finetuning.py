"""Fine-tuning: frozen blocks and their cached features, gradual unfreezing, layer-wise learning-rate decay."""

import csv
import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from kill import KilledError, kill_after

import zoo
from zoo.architectures.gpt2 import GPT2
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.objectives import build_model, compile_model
from zoo.objectives.next_token import NextToken
from zoo.presets import Training, Tuning
from zoo.training import callbacks, checkpoint, finetuning, fit
from zoo.training.optimizer import build_optimizer


@pytest.fixture
def attention_preset(tiny):
    """A small Transformer with dropout that learns `tiny`'s reviews."""
    architecture = TransformerEncoder(width=16, depth=2, heads=2, hidden=24, dropout=0.1)
    return replace(tiny, architecture=architecture, training=replace(tiny.training, learning_rate=1e-2))


def weights(model):
    return {weight.path: value for weight, value in zip(model.weights, checkpoint.values(model.weights), strict=True)}


def changed(preset, to, monkeypatch, **options):
    """(paths of the weights that training changed, the trained pipeline)."""
    first, create = {}, finetuning.BlockFreezer.__init__

    def create_and_record(self, settings, architecture, model):
        first.update(weights(model))
        create(self, settings, architecture, model)

    monkeypatch.setattr(finetuning.BlockFreezer, "__init__", create_and_record)
    pipeline = zoo.train(preset, to=to, **options)
    monkeypatch.undo()
    last = weights(pipeline.model)
    return {path for path in last if not np.array_equal(last[path], first[path])}, pipeline


def blocks_of(paths):
    """The first words of layer names, such as "block1" of "block1_attention/kernel"."""
    return {path.split("/")[0].split("_")[0] for path in paths}


@pytest.mark.parametrize(("freeze", "learning"), [("backbone", {"logits"}), ("1", {"logits", "block1", "norm"})])
def test_frozen_blocks_stay_and_the_rest_learns(attention_preset, tmp_path, monkeypatch, freeze, learning):
    preset = replace(attention_preset, tuning=Tuning(freeze=freeze))
    paths, pipeline = changed(preset, tmp_path / "m", monkeypatch)
    assert blocks_of(paths) == learning
    assert all(weight.trainable for weight in pipeline.model.weights)
    assert zoo.load(tmp_path / "m").evaluate() == pytest.approx(pipeline.scores["test"], abs=1e-4)


@pytest.mark.parametrize("freeze", ["backbone", "1"])
def test_features_from_disk_give_the_same_scores(attention_preset, tmp_path, monkeypatch, freeze):
    """Without dropout above the frozen layers."""
    dropout = 0.2 if freeze == "backbone" else 0.0
    architecture = replace(attention_preset.architecture, dropout=dropout)
    objective = replace(attention_preset.objective, dropout=0.0)
    preset = replace(attention_preset, architecture=architecture, objective=objective, tuning=Tuning(freeze=freeze))
    cached = zoo.train(preset, to=tmp_path / "cached")
    monkeypatch.setattr(fit, "split_frozen", None)  # features must not be cached: the call would fail
    monkeypatch.setattr(preset.objective.__class__, "dynamic", True)
    computed = zoo.train(preset, to=tmp_path / "computed")
    for left, right in zip(history(tmp_path / "cached"), history(tmp_path / "computed"), strict=True):
        assert float(left["loss"]) == pytest.approx(float(right["loss"]), abs=1e-3)
        assert left["val_accuracy"] == right["val_accuracy"]
    assert cached.scores["test"]["accuracy"] == computed.scores["test"]["accuracy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cache", "cached", "computed"]


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_frozen_layers_compute_once(attention_preset, tmp_path, monkeypatch):
    calls, run = [], keras.Model.predict_on_batch

    def count(self, inputs):
        calls.append("tokens" in inputs)
        return run(self, inputs)

    monkeypatch.setattr(keras.Model, "predict_on_batch", count)
    counts = {}
    for epochs in (2, 4):
        calls.clear()
        preset = replace(
            attention_preset,
            tuning=Tuning(freeze="backbone"),
            training=replace(attention_preset.training, epochs=epochs),
        )
        zoo.train(preset, to=tmp_path / str(epochs))
        counts[epochs] = sum(calls)
    assert counts[2] == counts[4] > 0


def test_an_optimizer_has_no_state_for_frozen_weights(attention_preset):
    model = build_model(replace(attention_preset.objective, labels=("a", "b")), attention_preset.architecture)
    freezer = finetuning.BlockFreezer(Tuning(freeze="backbone"), attention_preset.architecture, model)
    adamw = build_optimizer(attention_preset.training, model, 10, freezer.lr_scales)
    assert sum("momentum" in v.path for v in adamw.variables) == len(model.trainable_weights) == 2
    assert freezer.summary().endswith("weights, 34 trainable and 323,952 frozen, 1.3 MB in all")


def test_freezing_where_features_cannot_be_cached(attention_preset, tmp_path, monkeypatch):
    """Packed rows combine several examples; validation has one example a row."""
    architecture = GPT2(width=16, depth=2, heads=2, hidden=24)
    preset = replace(
        attention_preset, architecture=architecture, objective=NextToken(length=8), tuning=Tuning(freeze="1")
    )
    paths, _ = changed(preset, tmp_path / "m", monkeypatch, overrides=["training.packed_length=32"])
    assert blocks_of(paths) == {"block1", "norm"}


def test_blocks_learn_one_after_the_other(attention_preset, tmp_path, monkeypatch, capsys):
    """After each epoch, which weights the epoch changed."""
    changes, last = [], {}
    end = callbacks.Recorder.on_epoch_end

    def observe(self, epoch, logs=None):
        values = weights(self.validation.network)
        changes.append(blocks_of(path for path in last if not np.array_equal(values[path], last[path])))
        last.update(values)
        end(self, epoch, logs)

    monkeypatch.setattr(callbacks.Recorder, "on_epoch_end", observe)
    zoo.train(
        replace(
            attention_preset, tuning=Tuning(unfreeze_every=1), training=replace(attention_preset.training, epochs=5)
        ),
        to=tmp_path / "m",
    )
    assert changes[1:4] == [
        {"logits", "block1", "norm"},
        {"logits", "block0", "block1", "norm"},
        {"logits", "block0", "block1", "norm", "embedding"},
    ]
    messages = " ".join(capsys.readouterr().err.split())
    assert "34 trainable" in messages
    assert "From epoch 2 on:" in messages
    assert "From epoch 4 on:" in messages


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_killed_run_resumes_to_the_same_weights(attention_preset, tmp_path, monkeypatch, epochs):
    """Killed at the end of a stage and within a stage, with cached features and without."""
    tuning = Tuning(unfreeze_every=1.5, freeze="0", layer_decay=0.5)
    preset = replace(attention_preset, tuning=tuning, training=replace(attention_preset.training, ema=0.5))
    full = zoo.train(preset, to=tmp_path / "whole")
    kill_after(monkeypatch, epochs)
    with pytest.raises(KilledError):
        zoo.train(preset, to=tmp_path / "cut")
    monkeypatch.undo()
    resumed = zoo.train(preset, to=tmp_path / "cut", resume=True)
    for path, value in weights(full.model).items():
        np.testing.assert_array_equal(weights(resumed.model)[path], value, path)
    assert resumed.scores == full.scores


def test_a_killed_run_with_a_frozen_backbone_resumes_from_published_weights(attention_preset, tmp_path, monkeypatch):
    zoo.train(attention_preset, to=tmp_path / "first")
    preset = replace(attention_preset, tuning=Tuning(freeze="backbone"))
    options = {"init": str(tmp_path / "first"), "overrides": ["training.epochs=3"]}
    full = zoo.train(preset, to=tmp_path / "whole", **options)
    kill_after(monkeypatch, 1)
    with pytest.raises(KilledError):
        zoo.train(preset, to=tmp_path / "cut", **options)
    monkeypatch.undo()
    assert (tmp_path / "cut.running" / "checkpoint.npz").stat().st_size < 20_000  # nothing frozen is in it
    resumed = zoo.train(preset, to=tmp_path / "cut", resume=True, **options)
    for path, value in weights(full.model).items():
        np.testing.assert_array_equal(weights(resumed.model)[path], value, path)


def test_lower_blocks_learn_more_slowly(attention_preset):
    """AdamW's first step is as long as the learning rate, whatever the gradient; weight decay follows it."""
    objective = replace(attention_preset.objective, labels=("a", "b"))
    model = build_model(objective, attention_preset.architecture)
    training = Training(schedule="constant", warmup=0.0, clip_norm=0.0)
    freezer = finetuning.BlockFreezer(Tuning(layer_decay=0.5), attention_preset.architecture, model)
    compile_model(objective, model, build_optimizer(replace(training, weight_decay=0.5), model, 10, freezer.lr_scales))
    before = weights(model)
    model.train_on_batch({"tokens": np.array([[5, 6, 7, 8]] * 4, "int32")}, np.eye(2)[[0, 1, 0, 0]])
    after = weights(model)
    for layer, scale in {
        "logits": 1,
        "norm": 1 / 2,
        "block1_feed_forward": 1 / 2,
        "block0_feed_forward": 1 / 4,
        "embedding": 1 / 8,
    }.items():
        paths = [path for path in after if path.split("/")[0] == layer and np.any(after[path] != before[path])]
        assert paths, layer
        for path in paths:
            decayed = before[path] * (1 - 0.5 * 1e-3 * scale * (before[path].ndim > 1))
            step = np.abs(after[path] - decayed)
            assert np.median(step[step > 1e-6]) == pytest.approx(1e-3 * scale, rel=0.05), path


def test_freezing_the_backbone_equals_freezing_all_blocks(attention_preset):
    model = build_model(replace(attention_preset.objective, labels=("a", "b")), attention_preset.architecture)
    frozen = [
        {w.path for w in finetuning.BlockFreezer(Tuning(freeze=f), attention_preset.architecture, model).frozen}
        for f in ("backbone", "2")
    ]
    assert frozen[0] > frozen[1] == set()  # the first freezer has frozen them already


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tuning.freeze=trnk", "to be 'backbone', 'embedding' or a number of blocks. Received: 'trnk'."),
        ("tuning.freeze=3", "at most 2, the blocks of TransformerEncoder. Received: 3."),
        ("tuning.layer_decay=0", "Expected tuning.layer_decay to be above 0, up to 1. Received: 0.0."),
        ("tuning.layer_decay=1.5", "above 0, up to 1. Received: 1.5."),
        ("tuning.unfreeze_every=-1", "Expected tuning.unfreeze_every to be 0 or more epochs. Received: -1.0."),
        ("tuning.freze=backbone", "Did you mean 'freeze'?"),
        ("tuning=backbone", "Expected a field of tuning"),
    ],
)
def test_mistakes(attention_preset, tmp_path, override, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        zoo.train(attention_preset, to=tmp_path / "m", overrides=[override])
    assert not list(tmp_path.iterdir())


def test_settings_that_contradict_each_other(attention_preset, tmp_path):
    with pytest.raises(ValueError, match="contradict each other. Received: both"):
        zoo.train(replace(attention_preset, tuning=Tuning(freeze="backbone", unfreeze_every=1)), to=tmp_path / "m")
    with pytest.raises(ValueError, match="Received: training.max_steps too"):
        zoo.train(
            replace(attention_preset, tuning=Tuning(unfreeze_every=1)),
            to=tmp_path / "m",
            overrides=["training.max_steps=5"],
        )


def test_a_network_in_which_nothing_would_learn_is_refused(attention_preset, tmp_path):
    """A tied output layer has no weights of its own."""
    preset = replace(
        attention_preset,
        architecture=GPT2(width=16, depth=1, heads=2, hidden=24),
        objective=NextToken(length=8),
        tuning=Tuning(freeze="backbone"),
    )
    with pytest.raises(ValueError, match="Nothing is trainable, because the head has no weights of its own"):
        zoo.train(preset, to=tmp_path / "m", columns={"text": "text"})
    assert not (tmp_path / "m.running").exists()


def test_presets_of_older_versions_are_read(attention_preset):
    import json

    from zoo import config

    older = json.loads(config.to_json(attention_preset))
    del older["tuning"]
    assert config.from_json(json.dumps(older)) == attention_preset
