"""Hyperparameter search by Optuna (Akiba et al. 2019, arXiv:1907.10902): each trial is a run in its own folder.

The study is in the folder's study.db, an SQLite file, so an interrupted search continues. Trials are selected by the
validation score; trials below the median of the others at the same step are pruned.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from zoo.presets import Preset
from zoo.readers.memory import to_spec
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.leftovers import remove_leftovers
from zoo.training.run_folders import running_folder
from zoo.training.run_list import LOWER_IS_BETTER
from zoo.training.run_lock import RunLock
from zoo.training.run_record import new_record, train_command
from zoo.training.search_report import Trial, write_report
from zoo.training.search_space import Dimension, search_space
from zoo.training.setup import resolve_preset
from zoo.training.study import ERROR, PruneTrial, import_optuna, open_study, seed_next_trial
from zoo.training.training_run import TrainingRun


@dataclass(frozen=True)
class SearchResult:
    """The result of a search."""

    folder: Path
    trials: list[Trial]  # in the order in which they ran
    best: Trial
    command: str  # that trains with the best settings


def search(
    preset: str,
    assignments: Sequence[str],
    *,
    to: str | Path | None = None,
    trials: int = 20,
    data: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    init: str = "",
    seed: int = 0,
) -> SearchResult:
    """Search hyperparameters of a preset, or continue an interrupted search in the same folder.

    Args:
        preset: a name of `zoo list presets`.
        assignments: overrides and ranges: see `zoo.training.search_space.search_space`.
        to: the folder of the study; default `saved_models/<preset>-search`.
        trials: to complete in all, those before an interruption too.
        data, columns, init: as of `zoo.train`.
        seed: of the samples.

    Raises UserError for a mistake in the arguments, for a folder of another search, and where no trial succeeds.
    """
    if trials < 1:
        raise UserError(f"Expected 1 trial or more. Received: {trials}.")
    fixed, dimensions = search_space(_base(preset, data, columns, assignments, init), assignments)
    folder = Path(to or Path("saved_models") / f"{preset}-search")
    run = _Search(folder, preset, fixed, dimensions, {"data": data, "columns": columns, "init": init}, seed)
    with RunLock() as lock:
        lock.acquire(folder)
        run.run(trials)
        return run.result()


def _base(preset, data, columns, assignments, init):
    """The preset with the choice of another network, objective or tokenizer: the first of several."""
    parts = [text for text in assignments if "." not in text.partition("=")[0]]
    return resolve_preset(preset, to_spec(data), columns, [text.partition(",")[0] for text in parts], init)[1]


class _Search:
    """A search: its study, and the runs of its trials."""

    def __init__(
        self, folder: Path, preset: str, fixed: list[str], dimensions: list[Dimension], options: dict, seed: int
    ) -> None:
        self.folder, self.preset, self.fixed, self.dimensions = folder, preset, fixed, dimensions
        self.options, self.seed, self.optuna = options, seed, import_optuna()
        self.monitor = self._resolve([])[1].objective.monitor

    def _resolve(self, sampled) -> tuple[str, Preset]:
        return resolve_preset(
            self.preset,
            to_spec(self.options["data"]),
            self.options["columns"],
            [*self.fixed, *sampled],
            self.options["init"],
        )

    def run(self, trials: int) -> None:
        """Run trials until so many are completed, pruned ones included."""
        study = self._open()
        done = self._retry(study)
        if done:
            console.print(f"Continuing the search in {self.folder}: {done} of {trials} trials are done.")
        for _ in range(trials - done):
            seed_next_trial(study, self.seed)
            study.optimize(self._run_trial, n_trials=1, catch=(UserError,))
        self.study = study

    def _open(self):
        settings = {name: str(value or "") for name, value in self.options.items()} | {"preset": self.preset}
        settings |= {"fixed": self.fixed, "ranges": [f"{each.path}={each.text}" for each in self.dimensions]}
        return open_study(self.folder, settings, self.monitor.endswith(LOWER_IS_BETTER))

    def _retry(self, study) -> int:
        """The number of trials that ended; those of killed processes are marked as failed, and will be repeated."""
        states = self.optuna.trial.TrialState
        remove_leftovers(self.folder)
        for trial in study.get_trials(states=(states.RUNNING,)):
            study.tell(trial.number, state=states.FAIL)
            self._remove(trial.number)
        return len(study.get_trials(states=(states.COMPLETE, states.PRUNED)))

    def _folder(self, number) -> Path:
        return self.folder / f"trial-{number}"

    def _remove(self, number):
        for path in (self._folder(number), running_folder(self._folder(number))):
            shutil.rmtree(path, ignore_errors=True)

    def _run_trial(self, trial) -> float:
        sampled = [dimension.sample(trial) for dimension in self.dimensions]
        folder = self._folder(trial.number)
        console.print(f"Trial {trial.number}: {' '.join(sampled)}")
        try:
            name, preset = self._resolve(sampled)
            record = new_record(name, self._command(sampled), preset)
            run = TrainingRun(folder, preset, False, record, [PruneTrial(trial, self.monitor)])
            scores = run.run().scores
        except UserError as error:
            console.print(f"Trial {trial.number} failed: {error}", markup=False)
            trial.set_user_attr(ERROR, str(error))
            self._remove(trial.number)
            raise
        except self.optuna.TrialPruned:
            console.print(f"Trial {trial.number} was pruned.")
            self._remove(trial.number)
            raise
        finally:
            keras.utils.clear_session()  # it collects garbage too
        if run.recorder.interrupted:
            raise KeyboardInterrupt  # the trial runs again when the search continues
        trial.set_user_attr("scores", scores)
        return scores["validation"][self.monitor]

    def _command(self, sampled) -> str:
        options = self.options
        return train_command(
            self.preset, options["data"], options["columns"], [*self.fixed, *sampled], options["init"], full=True
        )

    def result(self) -> SearchResult:
        """Write the table and the picture of the trials. Raises UserError where no trial is complete."""
        trials = [
            Trial(trial.number, trial.state.name.lower(), trial.params, trial.value, trial.user_attrs.get("scores", {}))
            for trial in self.study.trials
        ]
        complete = [trial for trial in trials if trial.state == "complete"]
        if not complete:
            raise UserError(f"Expected a trial that succeeds. Received: {len(trials)} that failed, in {self.folder}.")
        best = next(trial for trial in complete if trial.number == self.study.best_trial.number)
        write_report(self.folder, trials, [each.path for each in self.dimensions], self.monitor, self._logarithmic())
        sampled = [
            f"{path}={value:.6g}" if isinstance(value, float) else f"{path}={value}"
            for path, value in best.params.items()
        ]
        return SearchResult(self.folder, trials, best, self._command(sampled))

    def _logarithmic(self):
        return {dimension.path for dimension in self.dimensions if dimension.log}
