"""Experiment trackers: MLflow, Trackio and Weights & Biases (wandb) log the settings, history and scores of a run."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import keras

from zoo import config
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.training.callbacks import Recorder

PROJECT = "zoo"  # of the tracker, unless its own variable of the environment names another
MAX_TEXT = 250  # characters of a setting that MLflow accepts


class Tracker(ABC):
    """A run in an experiment tracker.

    Args:
        name: of the run.
        settings: {dotted path: value} of its preset.
    """

    @abstractmethod
    def __init__(self, name: str, settings: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log metrics after so many batches."""

    @abstractmethod
    def finish(self, scores: Mapping[str, float]) -> None:
        """Log the final scores, and end the run."""


class MLflow(Tracker):
    """https://mlflow.org: MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME say where."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.mlflow: Any = _import("mlflow")
        if "MLFLOW_EXPERIMENT_NAME" not in os.environ:
            self.mlflow.set_experiment(PROJECT)
        self.mlflow.start_run(run_name=name)
        self.mlflow.log_params({path: str(value)[:MAX_TEXT] for path, value in settings.items()})

    def log(self, values, step):
        self.mlflow.log_metrics(dict(values), step=step)

    def finish(self, scores):
        self.mlflow.log_metrics({name.replace(" ", "_"): value for name, value in scores.items()})
        self.mlflow.end_run()


class Trackio(Tracker):
    """https://github.com/gradio-app/trackio: TRACKIO_PROJECT names the project, TRACKIO_DIR the folder."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.trackio: Any = _import("trackio")
        project = os.environ.get("TRACKIO_PROJECT", PROJECT)
        self.trackio.init(project=project, name=name, config=dict(settings))

    def log(self, values, step):
        self.trackio.log(dict(values), step=step)

    def finish(self, scores):
        self.trackio.log(dict(scores))
        self.trackio.finish()


class Wandb(Tracker):
    """https://wandb.ai: WANDB_PROJECT names the project, WANDB_MODE=offline keeps the run on this machine."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        wandb: Any = _import("wandb")
        self.run = wandb.init(project=os.environ.get("WANDB_PROJECT", PROJECT), name=name, config=dict(settings))

    def log(self, values, step):
        self.run.log(dict(values), step=step)

    def finish(self, scores):
        self.run.summary.update(dict(scores))
        self.run.finish()


def _import(name):
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(f"training.track={name} needs its package ({error}): pip install {name}") from error


TRACKERS: dict[str, type[Tracker]] = {"mlflow": MLflow, "trackio": Trackio, "wandb": Wandb}


class Tracking(keras.callbacks.Callback):
    """Sends each row of the history to a tracker.

    Args:
        recorder: of the run, called before.
    """

    def __init__(self, tracker: Tracker, recorder: Recorder) -> None:
        super().__init__()
        self.tracker, self.recorder = tracker, recorder

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row = self.recorder.rows[-1]
        self.tracker.log({name: value for name, value in row.items() if name != "batch"}, row["batch"])


def open_tracker(preset: Preset, name: str) -> Tracker | None:
    """The tracker that `training.track` names, with a new run of that name; None for no tracker.

    Raises UserError where its package is not installed.
    """
    if not preset.training.track:
        return None
    return TRACKERS[preset.training.track](name, dict(flat_settings(preset)))


def flat_settings(preset: Preset) -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, value) of each setting of a preset."""
    yield from _leaves("", json.loads(config.to_json(preset)))


def _leaves(path, value):
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, child)
    else:
        yield path, value


def flat_scores(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{"SPLIT_METRIC": value} of the scores of all splits."""
    return {f"{split}_{name}": value for split, values in scores.items() for name, value in values.items()}
