"""Folders of runs: none is overwritten without `force`, each run has its own, and a finished run can be made longer."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from kill import KilledError, kill_after

import zoo
from zoo.training import checkpoint
from zoo.training.run_record import load_record, public_description, public_name, train_command


@pytest.fixture
def short(tiny):
    """A preset that trains one epoch of 12 batches with a constant learning rate."""
    from dataclasses import replace

    return replace(tiny, training=replace(tiny.training, epochs=1, schedule="constant", warmup=0.0))


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def weights(pipeline):
    return checkpoint.values(pipeline.model.weights)


def assert_same(left, right):
    for a, b in zip(weights(left), weights(right), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_is_replaced_with_force_only(short, tmp_path, capsys):
    zoo.train(short, to=tmp_path / "m")
    (tmp_path / "m" / "1").mkdir()
    before = (tmp_path / "m" / "model.keras").read_bytes()
    with pytest.raises(zoo.UserError, match=r"m holds a model: replace it \(--force\), or save in .* \(--to\)"):
        zoo.train(short, to=tmp_path / "m", overrides=["training.seed=1"])
    assert (tmp_path / "m" / "model.keras").read_bytes() == before
    zoo.train(short, to=tmp_path / "m", overrides=["training.seed=1"], force=True)
    assert (tmp_path / "m" / "model.keras").read_bytes() != before
    assert not (tmp_path / "m" / "1").exists()
    assert "Removed with the model that was replaced: 1." in capsys.readouterr().err


def test_each_run_without_a_folder_has_its_own(short, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert [zoo.train(short).folder for _ in range(2)] == [Path("saved_models/model"), Path("saved_models/model-2")]
    assert "Model folder: saved_models/model-2" in capsys.readouterr().err
    for _ in range(2):
        with monkeypatch.context() as patch:
            kill_after(patch, 1)
            with pytest.raises(KilledError):
                zoo.train(short)
    with pytest.raises(zoo.UserError, match="several runs of model .*Received: saved_models/model-3, .*model-4."):
        zoo.train(short, resume=True)
    zoo.train(short, to="saved_models/model-3", resume=True)
    assert zoo.train(short, resume=True).folder == Path("saved_models/model-4")
    names = sorted(path.name for path in Path("saved_models").iterdir())
    assert names == [".cache", "model", "model-2", "model-3", "model-4"]


@pytest.mark.parametrize("setting", ["training.epochs=2", "training.max_steps=20"])
def test_a_finished_run_goes_on_as_if_it_had_been_longer(short, tmp_path, capsys, setting):
    """With a constant learning rate it does not matter when the length was set."""
    zoo.train(short, to=tmp_path / "m")
    longer = zoo.train(short, to=tmp_path / "m", overrides=[setting], resume=True)
    err = capsys.readouterr().err
    assert "Resumed after epoch 1." in err
    assert "the learning rate was 0.03 and goes on at 0.03" in err
    uninterrupted = zoo.train(short, to=tmp_path / "whole", overrides=[setting])
    assert_same(longer, uninterrupted)
    keys = ("epoch", "batch", "loss", "val_accuracy", "learning_rate")
    left, right = ([[row[key] for key in keys] for row in history(tmp_path / name)] for name in ("m", "whole"))
    assert left == right
    record = load_record(tmp_path / "m")
    assert record.state == "finished"
    assert record.epochs == float(left[-1][0])
    assert not (tmp_path / "m.running").exists()


def test_a_run_that_ended_within_an_epoch_goes_on(short, tmp_path):
    zoo.train(short, to=tmp_path / "m", overrides=["training.max_steps=5"])
    zoo.train(short, to=tmp_path / "m", overrides=["training.max_steps=30"], resume=True)
    assert [(row["epoch"], row["batch"]) for row in history(tmp_path / "m")] == [
        ("0.4167", "5"),
        ("1", "12"),
        ("2", "24"),
        ("2.5", "30"),
    ]


def test_the_schedule_covers_the_longer_run(tiny, tmp_path, capsys):
    zoo.train(tiny, to=tmp_path / "m", overrides=["training.warmup=0"])
    zoo.train(tiny, to=tmp_path / "m", overrides=["training.warmup=0", "training.epochs=8"], resume=True)
    rates = [float(row["learning_rate"]) for row in history(tmp_path / "m")]
    assert rates[3] == pytest.approx(0, abs=1e-3)
    assert rates[4] == pytest.approx(3e-2 * 3 / 8)
    assert "goes on at 0.015" in capsys.readouterr().err


def test_what_cannot_go_on_is_refused(short, tmp_path):
    zoo.train(short, to=tmp_path / "m")
    before = sorted(tmp_path.rglob("*"))
    for settings, message in {
        ("training.epochs=2", "training.seed=1"): "Received: another training.seed. ",
        ("training.max_steps=4",): "Expected a longer run: it has completed 1 epochs, 12 optimizer steps",
    }.items():
        with pytest.raises(zoo.UserError, match=message):
            zoo.train(short, to=tmp_path / "m", overrides=settings, resume=True)
    assert sorted(tmp_path.rglob("*")) == before
    settings = ["training.keep_checkpoint=false"]
    zoo.train(short, to=tmp_path / "n", overrides=settings)
    assert not (tmp_path / "n" / "checkpoint.npz").exists()
    with pytest.raises(zoo.UserError, match="Expected .*n/checkpoint.npz, to go on after it"):
        zoo.train(short, to=tmp_path / "n", overrides=[*settings, "training.epochs=2"], resume=True)


def test_validation_intervals_are_no_epochs(short, tmp_path, capsys):
    zoo.train(short, to=tmp_path / "m", overrides=["training.validate_every=5"])
    err = capsys.readouterr().err
    assert "up to 1 epochs of 12 batches, validated every 5 batches, in" in err
    assert [line.split("  ")[0] for line in err.splitlines() if "  loss " in line] == [
        "batch 5/12",
        "batch 10/12",
        "epoch 1/1",
    ]
    assert [row["epoch"] for row in history(tmp_path / "m")] == ["0.4167", "0.8333", "1"]


def test_the_record_names_no_folder_of_this_machine(tmp_path):
    assert [public_name(spec) for spec in (tmp_path / "a.csv#test", "hf:me/data", "tfds:glue/sst2")] == [
        "a.csv#test",
        "hf:me/data",
        "tfds:glue/sst2",
    ]
    spec = str(tmp_path / "a.{en,de}")
    assert public_description(f"{tmp_path / 'a.en'} with {tmp_path / 'a.de'} (test split)", spec) == (
        "a.en with a.de (test split)"
    )
    assert public_description("hf:me/data#test", "hf:me/data") == "hf:me/data#test"
    command = train_command("p", tmp_path / "my data", {"text": "body"}, [f"training.init={tmp_path / 'm'}"], "")
    assert command == "zoo train p training.init=m --data 'my data' --columns text=body"


def test_a_run_is_resumed_by_its_name_alone(reviews, tmp_path, monkeypatch):
    settings = ["architecture=averaging", "architecture.width=8", "training.epochs=1", "objective.length=16"]
    zoo.train("text_cnn_sst2", data=reviews, to=tmp_path / "m", overrides=settings)
    zoo.train("text_cnn_sst2", to=tmp_path / "m", overrides=["training.epochs=2"], resume=True)
    assert [row["epoch"] for row in history(tmp_path / "m")] == ["1", "2"]
    record = json.loads((tmp_path / "m" / "run.json").read_text())
    assert record["command"].startswith("zoo train text_cnn_sst2 architecture=averaging")
    assert record["settings"]["training"]["epochs"] == 2
    with pytest.raises(zoo.UserError, match="Expected the preset of the run in .*, text_cnn_sst2. Received: mlp_sst2"):
        zoo.train("mlp_sst2", to=tmp_path / "m", overrides=["training.epochs=3"], resume=True)
