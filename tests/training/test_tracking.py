"""Experiment trackers, each with the real library where it is installed, offline."""

import importlib
import sys
from pathlib import Path

import pytest

import zoo
from zoo.training.tracking import TRACKERS, flat_scores


def train(tiny, folder, track):
    return zoo.train(tiny, to=folder / "m", overrides=["training.epochs=2", f"training.track={track}"])


def test_wandb_logs_settings_history_and_scores(tiny, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    init, finish, runs, ends = wandb.init, wandb.Run.finish, [], []
    monkeypatch.setattr(wandb, "init", lambda **options: runs.append(init(**options)) or runs[-1])
    monkeypatch.setattr(wandb.Run, "finish", lambda run: ends.append(run))  # later: it clears the summary
    log, rows = wandb.Run.log, []
    monkeypatch.setattr(
        wandb.Run, "log", lambda run, values, step: rows.append((values, step)) or log(run, values, step)
    )
    pipeline = train(tiny, tmp_path, "wandb")
    (run,) = runs
    assert ends == runs
    assert run.name == "m"
    assert run.config["training.epochs"] == 2
    assert run.config["architecture.name"] == "text_cnn"
    assert run.summary["test_accuracy"] == pipeline.scores["test"]["accuracy"]
    assert [(values["val_accuracy"], step) for values, step in rows] == [
        (row["val_accuracy"], row["batch"]) for row in pipeline.history
    ]
    finish(run)
    assert list(Path(tmp_path, "wandb").glob("offline-run-*/*.wandb"))


@pytest.mark.filterwarnings("ignore")  # of MLflow's own code
def test_mlflow_logs_settings_history_and_scores(tiny, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="needs: pip install mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    pipeline = train(tiny, tmp_path, "mlflow")
    run = mlflow.last_active_run()
    assert run.data.params["training.epochs"] == "2"
    assert run.data.metrics["test_accuracy"] == pipeline.scores["test"]["accuracy"]
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_accuracy")
    assert [metric.step for metric in history] == [row["batch"] for row in pipeline.history]


@pytest.mark.filterwarnings("ignore")  # of Trackio's own code
def test_trackio_logs_settings_history_and_scores(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio", reason="needs: pip install trackio")
    pipeline = train(tiny, tmp_path, "trackio")
    (run,) = trackio.Api().runs("zoo")
    assert run.name == "m"
    assert run.config["training.epochs"] == 2
    logs = importlib.import_module("trackio.sqlite_storage").SQLiteStorage.get_logs("zoo", "m")
    assert [row["val_accuracy"] for row in logs[:2]] == pytest.approx([row["val_accuracy"] for row in pipeline.history])
    assert logs[-1]["test_accuracy"] == pytest.approx(pipeline.scores["test"]["accuracy"])


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_says_what_to_install(tiny, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(zoo.UserError, match=f"training.track={name} needs its package .*: pip install {name}"):
        train(tiny, tmp_path, name)
    assert not (tmp_path / "m").exists()


def test_an_unknown_tracker_names_the_nearest(tiny, tmp_path):
    with pytest.raises(zoo.UserError, match="training.track to be one of mlflow, trackio, wandb. Received: 'wandv'"):
        train(tiny, tmp_path, "wandv")


def test_names_of_scores():
    assert flat_scores({"test": {"f1": 0.5}}) == {"test_f1": 0.5}
