"""The choice of a run's model folder: `--to`, or the first of saved_models/NAME, NAME-2 and so on that is unused."""

import os
from itertools import count
from pathlib import Path

from zoo.runtime.errors import UserError
from zoo.runtime.files import follow_link
from zoo.runtime.leftovers import remove_leftovers
from zoo.training.run_folders import running_folder
from zoo.training.run_lock import BusyError, RunLock, is_training

MODELS = Path("saved_models")
LONGEST_NAME = 255 - len("..running.1234567.partial")  # bytes of a model folder's name


def lock_folder(lock: RunLock, to: str | Path | None, name: str, resume: bool = False, restart: bool = False) -> Path:
    """The model folder of a run, as of `choose_folder`, locked; leftovers of runs that were killed are removed.

    Raises UserError where another process trains into it.
    """
    while True:
        folder = choose_folder(to, name, resume, restart)
        try:
            lock.acquire(folder)
            break
        except BusyError:
            if to or resume or restart:
                raise  # else the next number is free
    remove_leftovers(folder.parent, *_leftover_names(folder))
    return folder


def choose_folder(to: str | Path | None, name: str, resume: bool = False, restart: bool = False) -> Path:
    """The model folder of a run: `to`, or the first of saved_models/NAME, NAME-2, NAME-3 and so on that is unused.

    Without `to`, `resume` and `restart` mean the only unfinished run of that name, and `resume` the only finished run
    where none is unfinished.

    Raises UserError where `to` holds anything but a model, and where several runs could be meant.
    """
    if to:
        folder = follow_link(to if Path(to).name else Path(to).resolve())
        _check_name(folder)
        _check_model_folder(folder)
        return folder
    numbers = (MODELS / (name if number == 1 else f"{name}-{number}") for number in count(1))
    if resume or restart:
        runs = unfinished_runs(name) or (_finished_runs(name) if resume else [])
        if len(runs) > 1:
            raise UserError(
                f"Expected --to FOLDER: several runs of {name} could be meant. Received: {', '.join(map(str, runs))}."
            )
        if runs:
            return runs[0]
    return next(folder for folder in numbers if not _is_used(folder))


def _is_used(folder):
    return folder.exists() or running_folder(folder).exists() or is_training(folder)


def unfinished_runs(name: str) -> list[Path]:
    """The model folders in saved_models of the unfinished runs of a preset."""
    return [folder for folder in _numbered(name, ".running") if running_folder(folder).is_dir()]


def _finished_runs(name):
    return [folder for folder in _numbered(name, "") if (folder / "preset.json").is_file()]


def _numbered(name, suffix):
    """The model folders NAME, NAME-2 and so on for which there is a folder with that suffix, in order."""
    paths = MODELS.glob(f"{name}*{suffix}")
    stems = {path.name.removesuffix(".running") for path in paths}
    numbers = {stem: stem.removeprefix(name).removeprefix("-") for stem in stems}
    runs = [stem for stem, number in numbers.items() if stem == name or number.isdecimal()]
    return [MODELS / stem for stem in sorted(runs, key=lambda stem: int(numbers[stem] or 1))]


def _leftover_names(folder):
    """Names of `folder` and of the runs beside it, of which killed processes may have left parts."""
    runs = {path.name for path in folder.parent.glob("*.running")} | {running_folder(folder).name}
    return runs | {name.removesuffix(".running") for name in runs}


def _check_name(folder):
    if folder.name.endswith(".running"):
        raise UserError(f"Expected a folder for the model: {folder} is the name of an unfinished run.")
    if len(os.fsencode(folder.name)) > LONGEST_NAME:
        raise UserError(f"Expected a folder name of up to {LONGEST_NAME} bytes. Received: {folder.name[:40]}...")


def _check_model_folder(folder):
    if folder.exists() and not folder.is_dir():
        raise UserError(f"Expected a folder to save the model in. Received: {folder}, which is a file.")
    files = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if files and "preset.json" not in files:
        received = f"{folder}, which holds {', '.join(files[:5])}"
        raise UserError(f"Expected a new folder to save the model in. Received: {received}.")


def check_unicode(path: str | Path | None, noun: str) -> None:
    """Raise UserError for a path, or a setting with one, that is not UTF-8: the files of a run could not name it."""
    try:
        str(path or "").encode()
    except UnicodeEncodeError:
        raise UserError(f"Expected UTF-8 for {noun}. Received: {str(path)!r}. Rename it.") from None
