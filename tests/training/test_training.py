"""A training run: its model folder, resuming after an interruption, and the effect of its settings."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
from kill import KilledError, kill_after

import zoo
from zoo import config
from zoo.objectives import build_model
from zoo.training import callbacks, checkpoint


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def weights(pipeline):
    return checkpoint.values(pipeline.model.weights)


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(weights(left), weights(right), strict=True))


def test_a_run_writes_a_complete_folder(tiny, tmp_path):
    pipeline = zoo.train(tiny, to=tmp_path / "m")
    names = {path.name for path in (tmp_path / "m").iterdir()}
    assert names >= {"model.keras", "preset.json", "tokenizer.json", "scores.json", "history.csv", "README.md", "logs"}
    assert names >= {"curves.png", "confusion.png", "per_class.csv"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cache", "m"]
    rows = history(tmp_path / "m")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert json.loads((tmp_path / "m" / "scores.json").read_text()) == pipeline.scores
    assert pipeline.scores["test"]["accuracy"] > 0.9
    assert zoo.load(tmp_path / "m").baselines == pipeline.baselines
    assert pipeline.baselines["test"].score == pipeline.scores["test"]["accuracy"]
    assert pipeline.baselines["test"].baselines["accuracy"]["chance"] == 0.5
    card = (tmp_path / "m" / "README.md").read_text()
    assert "train 96" in card
    assert "test 32" in card
    assert keras.config.backend() in card


def test_tensorboard_reads_the_logs(tiny, tmp_path):
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    zoo.train(tiny, to=tmp_path / "m")
    (file,) = (tmp_path / "m" / "logs").iterdir()
    tags = [value.tag for event in LegacyEventFileLoader(str(file)).Load() for value in event.summary.value]
    assert tags.count("loss") == tags.count("val_accuracy") == 4
    assert tags.count("batch_loss") > 4


def test_the_same_seed_gives_the_same_weights(tiny, tmp_path):
    left, right = (zoo.train(tiny, to=tmp_path / name) for name in "ab")
    assert same(left, right)
    assert not same(left, zoo.train(tiny, to=tmp_path / "c", overrides=["training.seed=1"]))


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_killed_run_resumes_to_the_same_weights(tiny, tmp_path, monkeypatch, epochs):
    tiny = replace(tiny, training=replace(tiny.training, accumulation=2, patience=3, ema=0.9))
    uninterrupted = zoo.train(tiny, to=tmp_path / "whole")
    kill_after(monkeypatch, epochs)
    with pytest.raises(KilledError):
        zoo.train(tiny, to=tmp_path / "cut")
    assert not (tmp_path / "cut").exists()
    monkeypatch.undo()
    resumed = zoo.train(tiny, to=tmp_path / "cut", resume=True)
    assert same(uninterrupted, resumed)
    assert resumed.scores == uninterrupted.scores
    histories = [history(tmp_path / name) for name in ("whole", "cut")]
    for left, right in zip(*histories, strict=True):
        assert {k: v for k, v in left.items() if k != "seconds"} == {k: v for k, v in right.items() if k != "seconds"}


SCRIPT = """
import sys, zoo
from zoo import config
preset = config.from_json(open(sys.argv[1]).read())
zoo.train(preset, to=sys.argv[2], resume=len(sys.argv) > 3)
"""


def test_kill_9_and_resume(tiny, tmp_path):
    tiny = replace(tiny, training=replace(tiny.training, epochs=20))
    (tmp_path / "p.json").write_text(config.to_json(tiny))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "p.json"), str(tmp_path / "cut")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    history = tmp_path / "cut.running" / "history.csv"
    while process.poll() is None and not (history.exists() and len(history.read_text().splitlines()) > 4):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with pytest.raises(ValueError, match=r"cut.running holds an unfinished run: continue it \(--resume\)"):
        zoo.train(tiny, to=tmp_path / "cut")
    resumed = zoo.train(tiny, to=tmp_path / "cut", resume=True)
    assert same(resumed, zoo.train(tiny, to=tmp_path / "whole"))


def test_ctrl_c_saves_and_can_be_resumed(tiny, tmp_path, monkeypatch):
    uninterrupted = zoo.train(tiny, to=tmp_path / "whole")
    batches = []

    def press(self, batch, logs=None):
        batches.append(batch)
        if len(batches) == 15:  # the third batch of the second epoch
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(callbacks.StopAfter, "on_train_batch_end", press)
    zoo.train(tiny, to=tmp_path / "cut")
    assert zoo.load(tmp_path / "cut").predict("a great film")["label"] in ("good", "bad")
    monkeypatch.undo()
    assert same(uninterrupted, zoo.train(tiny, to=tmp_path / "cut", resume=True))
    assert not (tmp_path / "cut.running").exists()


def test_resuming_what_is_finished_or_was_never_begun(tiny, tmp_path, capsys):
    with pytest.raises(ValueError, match="Expected an unfinished run in .*m.running to resume. Received: no such run."):
        zoo.train(tiny, to=tmp_path / "m", resume=True)
    trained = zoo.train(tiny, to=tmp_path / "m")
    assert same(trained, zoo.train(tiny, to=tmp_path / "m", resume=True))
    assert "is finished: nothing to resume" in capsys.readouterr().err


def test_resuming_with_other_settings_is_refused(tiny, tmp_path, monkeypatch):
    kill_after(monkeypatch, 1)
    with pytest.raises(KilledError):
        zoo.train(tiny, to=tmp_path / "m")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="Received: another training.learning_rate"):
        zoo.train(tiny, to=tmp_path / "m", resume=True, overrides=["training.learning_rate=0.5"])
    zoo.train(tiny, to=tmp_path / "m", restart=True, overrides=["training.learning_rate=0.5"])


def test_a_truncated_checkpoint_is_named(tiny, tmp_path, monkeypatch):
    kill_after(monkeypatch, 1)
    with pytest.raises(KilledError):
        zoo.train(tiny, to=tmp_path / "m")
    monkeypatch.undo()
    path = tmp_path / "m.running" / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="checkpoint.npz is not a complete checkpoint"):
        zoo.train(tiny, to=tmp_path / "m", resume=True)


def test_a_full_disk_keeps_the_last_checkpoint(tiny, tmp_path, monkeypatch):
    calls, savez = [], np.savez

    def full(file, **arrays):
        calls.append(1)
        if len(calls) == 3:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        savez(file, **arrays)

    monkeypatch.setattr(checkpoint.np, "savez", full)
    with pytest.raises(OSError, match="No space left on device"):
        zoo.train(tiny, to=tmp_path / "m")
    monkeypatch.undo()
    assert same(zoo.train(tiny, to=tmp_path / "m", resume=True), zoo.train(tiny, to=tmp_path / "whole"))


def test_accumulated_batches_equal_one_large_batch(tiny, tmp_path):
    """Without dropout, 4 x 24 rows and 96 rows are the same steps."""
    plain = replace(tiny, architecture=replace(tiny.architecture, dropout=0.0, embedding_dropout=0.0, word_dropout=0.0))
    plain = replace(plain, objective=replace(plain.objective, dropout=0.0))
    constant = replace(plain.training, epochs=3, schedule="constant", warmup=0.0)  # Keras's schedules count batches
    large = replace(plain, training=replace(constant, batch_size=96))
    accumulated = replace(plain, training=replace(constant, batch_size=24, accumulation=4))
    arrays = [weights(zoo.train(preset, to=tmp_path / str(i))) for i, preset in enumerate((large, accumulated))]
    for left, right in zip(*arrays, strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)


def test_mixed_precision_keeps_float32_weights(tiny, tmp_path):
    pipeline = zoo.train(tiny, to=tmp_path / "m", overrides=["training.precision=mixed_bfloat16"])
    assert {v.dtype for v in pipeline.model.trainable_variables} == {"float32"}
    assert pipeline.model.get_layer("convolution1").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"
    assert pipeline.scores["test"]["accuracy"] > 0.8


def test_float16_scales_the_loss_and_still_averages_and_resumes(tiny, tmp_path, monkeypatch):
    settings = ["training.precision=mixed_float16", "training.ema=0.5", "training.epochs=2"]
    uninterrupted = zoo.train(tiny, to=tmp_path / "whole", overrides=settings)
    assert not same(uninterrupted, zoo.train(tiny, to=tmp_path / "last", overrides=[*settings, "training.ema=0"]))
    kill_after(monkeypatch, 1)
    with pytest.raises(KilledError):
        zoo.train(tiny, to=tmp_path / "cut", overrides=settings)
    monkeypatch.undo()
    assert same(uninterrupted, zoo.train(tiny, to=tmp_path / "cut", overrides=settings, resume=True))


def test_steps_end_a_run_in_the_middle_of_an_epoch(tiny, tmp_path):
    zoo.train(tiny, to=tmp_path / "m", overrides=["training.max_steps=14"])
    rows = history(tmp_path / "m")
    assert [row["batch"] for row in rows] == ["12", "14"]


def test_validate_every_validates_more_often(tiny, tmp_path):
    zoo.train(tiny, to=tmp_path / "m", overrides=["training.validate_every=5", "training.epochs=1"])
    rows = history(tmp_path / "m")
    assert [row["batch"] for row in rows] == ["5", "10", "12"]


def test_early_stopping_restores_the_best_weights(tiny, tmp_path):
    pipeline = zoo.train(tiny, to=tmp_path / "m", overrides=["training.epochs=40", "training.patience=2"])
    scores = [float(row["val_accuracy"]) for row in history(tmp_path / "m")]
    assert len(scores) < 40
    assert pipeline.scores["validation"]["accuracy"] == pytest.approx(max(scores))


def test_tokens_are_cached_by_content(tiny, tmp_path, reviews):
    def cached():
        return {folder.name: folder.stat().st_mtime_ns for folder in (tmp_path / ".cache").iterdir()}

    zoo.train(tiny, to=tmp_path / "m")
    first = cached()
    zoo.train(tiny, to=tmp_path / "m", force=True)
    assert cached() == first
    zoo.train(tiny, to=tmp_path / "m", overrides=["objective.length=8"], force=True)
    assert cached().items() > first.items()
    assert len(cached()) == len(first) + 1  # new training examples; the same records and encodings


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_learning_rate_rises_and_falls(schedule):
    from zoo.training.optimizer import WarmupDecay

    rates = [float(keras.ops.convert_to_numpy(WarmupDecay(0.5, 10, 100, schedule)(step))) for step in range(101)]
    assert rates[0] == pytest.approx(0.05)
    assert rates[9] == rates[10] == pytest.approx(0.5)
    middle = {"linear": 0.25, "cosine": 0.25, "constant": 0.5}[schedule]
    assert rates[55] == pytest.approx(middle)
    assert rates[100] == pytest.approx(0.5 if schedule == "constant" else 0.0, abs=1e-7)


def test_an_unknown_schedule_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="one of linear, cosine, constant. Received: 'square'"):
        zoo.train(tiny, to=tmp_path / "m", overrides=["training.schedule=square"])


def test_biases_and_norms_do_not_decay(tiny):
    from zoo.training.optimizer import build_optimizer

    model = build_model(replace(tiny.objective, labels=("a", "b")), tiny.architecture)
    adamw = build_optimizer(tiny.training, model, 10)
    decays = {weight.path: adamw._use_weight_decay(weight) for weight in model.trainable_variables}
    assert {path.rpartition("/")[2] for path, decayed in decays.items() if not decayed} == {"bias"}


@pytest.mark.parametrize("accumulation", [1, 2])
def test_the_moving_average_is_ramped_from_the_first_step_on(tiny, accumulation):
    """As TensorFlow's `ExponentialMovingAverage(0.3, num_updates)`, one update an optimizer step."""
    from zoo.training.optimizer import build_optimizer, ema_weights

    model = build_model(replace(tiny.objective, labels=("a", "b")), tiny.architecture)
    training = replace(tiny.training, ema=0.3, schedule="constant", warmup=0.0, accumulation=accumulation)
    model.compile(build_optimizer(training, model, 10), "mse")
    kernel, expected = model.get_layer("logits").kernel, None
    for decay in (0.0, 2 / 11, 3 / 12, 0.3, 0.3):
        for _ in range(accumulation):
            model.train_on_batch({"tokens": np.ones((2, 4), "int32")}, np.ones((2, 2)))
        (last,) = checkpoint.values([kernel])
        expected = last if expected is None else decay * expected + (1 - decay) * last
    with ema_weights(model):
        np.testing.assert_allclose(checkpoint.values([kernel])[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(checkpoint.values([kernel])[0], last)
