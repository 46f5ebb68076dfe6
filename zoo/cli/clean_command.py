"""zoo clean: remove caches and the folders of unfinished runs."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import print_message
from zoo.runtime.errors import UserError
from zoo.runtime.leftovers import PARTIAL, leftovers
from zoo.runtime.locks import is_locked
from zoo.training.run_lock import is_training

CACHE = ".cache"  # of tokenised examples, beside the model folders
RUNNING = ".running"  # the ending of the folder of an unfinished run


def clean(
    folder: Annotated[Path, typer.Argument(help="The folder that holds model folders.")] = Path("saved_models"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
) -> None:
    """Remove the cache of tokenised data and unfinished runs from a folder of models; models and runs at work stay."""
    if not folder.is_dir():
        raise UserError(f"Expected a folder that holds model folders. Received: {folder}, which is no folder.")
    parts = [path for path, _, kind in leftovers(folder) if kind == PARTIAL]
    paths = [folder / CACHE, *sorted(folder.glob(f"*{RUNNING}")), *parts]
    paths = [path for path in paths if path.is_dir() and not _is_used(path)]
    if not paths:
        return print_message(f"Nothing to remove in {folder}.")
    for path in paths:
        print(f"{_megabytes(path):10.1f} MB  {path}  ({_kind(path)})")
    if not yes and not typer.confirm("Remove these folders?", err=True):
        return print_message("Nothing was removed.")
    paths = [path for path in paths if not _is_used(path)]  # a training may have begun since the question
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
    print_message(f"Removed {len(paths)} folders.")


def _kind(path):
    if path.name == CACHE:
        return "cache"
    return "part of a killed process" if path.suffix == f".{PARTIAL}" else "unfinished run, which --resume could finish"


def _is_used(path):
    """Whether a process trains in the folder of an unfinished run, or beside the cache."""
    if path.name == CACHE:
        used = any(map(is_locked, path.parent.glob(".*.lock")))
    else:
        used = path.name.endswith(RUNNING) and is_training(path.with_name(path.name.removesuffix(RUNNING)))
    if used:
        print_message(f"Left as it is: {path}, which a training uses.")
    return used


def _megabytes(folder):
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir()) / 1e6
