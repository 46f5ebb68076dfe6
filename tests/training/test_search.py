"""A hyperparameter search that is interrupted goes on as it would have: the same trials, and no leftovers."""

from types import SimpleNamespace

import pytest

import zoo
from zoo.runtime.errors import UserError
from zoo.runtime.locks import lock_file
from zoo.training import search as search_module
from zoo.training.search import search

pytest.importorskip("optuna")

RANGES = ["training.learning_rate=log(1e-4,1e-2)", "architecture.filters=4,8,16", "training.epochs=1"]
ENDED = 2**22 + 1  # above the largest number of a process on Linux


@pytest.fixture
def trained(monkeypatch):
    """The settings of each trial; a network is not trained, and its score is its learning rate.

    A function in the list `interrupt` is called with the number of a trial.
    """
    settings, interrupt = [], []

    class Run:
        def __init__(self, folder, preset, resume, record, callbacks):
            folder.mkdir()
            self.preset, self.number = preset, int(folder.name.rpartition("-")[2])
            self.recorder = SimpleNamespace(interrupted=False)

        def run(self):
            for call in interrupt:
                call(self.number)
            settings.append((self.preset.training.learning_rate, self.preset.architecture.filters))
            monitor = self.preset.objective.monitor
            return SimpleNamespace(scores={"validation": {monitor: self.preset.training.learning_rate}})

    monkeypatch.setattr(search_module, "TrainingRun", Run)
    monkeypatch.setattr(search_module.keras.utils, "clear_session", lambda: None)  # takes half a second
    return SimpleNamespace(settings=settings, interrupt=interrupt)


def run(reviews, folder, trials):
    return search("text_cnn_sst2", RANGES, data=reviews, to=folder, trials=trials)


def values(result):
    return [tuple(trial.params.values()) for trial in result.trials if trial.state == "complete"]


def test_a_search_in_parts_has_the_trials_of_a_search_in_one(trained, reviews, tmp_path):
    complete = values(run(reviews, tmp_path / "complete", 12))
    for trials in (2, 3, 12):
        parts = values(run(reviews, tmp_path / "parts", trials))
    assert parts == complete
    assert len(set(complete)) == 12


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_trial_is_repeated(trained, reviews, tmp_path, error):
    complete = values(run(reviews, tmp_path / "complete", 5))

    def stop(number):
        if number == 2:
            raise error

    trained.interrupt.append(stop)
    with pytest.raises(error):
        run(reviews, tmp_path / "s", 5)
    (tmp_path / "s" / f".trial-2.{ENDED}.partial").mkdir()
    trained.interrupt.clear()
    assert values(run(reviews, tmp_path / "s", 5)) == complete
    assert not list((tmp_path / "s").glob(".*"))


def test_a_failed_trial_is_not_repeated(trained, reviews, tmp_path):
    def fail(number):
        if number == 1:
            raise UserError("Expected another width.")

    trained.interrupt.append(fail)
    result = run(reviews, tmp_path / "s", 3)
    assert [trial.state for trial in result.trials] == ["complete", "fail", "complete"]
    assert len({tuple(trial.params.values()) for trial in result.trials}) == 3


def test_a_second_search_in_one_folder_is_refused(trained, reviews, tmp_path):
    with lock_file(tmp_path / ".s.lock"), pytest.raises(zoo.UserError, match=r"process \d+ is training into .*s: wait"):
        run(reviews, tmp_path / "s", 2)
