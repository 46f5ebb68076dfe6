"""The Optuna study of a hyperparameter search, in an SQLite file, from which an interrupted search continues."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.runtime.errors import UserError
from zoo.runtime.files import name_in_errors
from zoo.runtime.optional import import_optional

FILE = "study.db"
STARTUP_TRIALS = 5  # that are never pruned
ERROR = "error"  # attribute of a trial that failed, with its message; an interrupted one has none


def import_optuna() -> Any:
    """The package optuna. Raises UserError where it is not installed."""
    optuna: Any = import_optional("optuna", "search", "A search")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def open_study(folder: Path, settings: dict[str, Any], minimize: bool) -> Any:
    """Create the study of a search in a folder, or open it to continue: an `optuna.Study`.

    Trials below the median of the others at the same validation are pruned.

    Args:
        settings: what is searched, which JSON can hold.
        minimize: whether a lower score is better.

    Raises UserError where the folder holds anything but this search.
    """
    optuna = import_optuna()
    if folder.exists() and not (folder / FILE).is_file():
        raise UserError(f"Expected a new folder for the search. Received: {folder}, which exists.")
    with name_in_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{folder / FILE}",
        study_name="search",
        direction="minimize" if minimize else "maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
        load_if_exists=True,
    )
    before, settings = study.user_attrs.get("settings"), json.loads(json.dumps(settings))
    if before is None:
        study.set_user_attr("settings", settings)
    for name, value in settings.items():
        if before is not None and value != before.get(name):
            raise UserError(
                f"Expected the search of {folder}: {name}={before.get(name)}. Received: {name}={value}. "
                "Give the same arguments, or another --to."
            )
    return study


def seed_next_trial(study: Any, seed: int) -> None:
    """Seed the sampler (TPE) for the next trial by the number of trials that ended, interrupted ones left out.

    So a search that was interrupted repeats the trial that was interrupted, and goes on as it would have.
    """
    count = sum(trial.state.name in ("COMPLETE", "PRUNED") or ERROR in trial.user_attrs for trial in study.trials)
    seed = int(np.random.SeedSequence([seed, count]).generate_state(1)[0])
    study.sampler = import_optuna().samplers.TPESampler(seed=seed)


class PruneTrial(keras.callbacks.Callback):
    """Reports each validation score to an Optuna trial, and ends the trial once its pruner says so."""

    def __init__(self, trial: Any, monitor: str) -> None:
        super().__init__()
        self.trial, self.monitor, self.count = trial, monitor, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.count += 1
        self.trial.report(logs[f"val_{self.monitor}"], self.count)
        if self.trial.should_prune():
            raise import_optuna().TrialPruned
