"""Digests (SHA-256) of the files of a model folder, digests.json, by which `zoo.load` finds files that were changed."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from zoo.runtime.errors import UserError
from zoo.runtime.files import write_text
from zoo.runtime.json_text import read_object

FILE = "digests.json"


def save_digests(folder: Path, names: Iterable[str] | None = None) -> None:
    """Write the digests of the files of those names in a model folder; by default of all, in the folders within too."""
    paths = sorted(folder.rglob("*")) if names is None else [folder / name for name in names]
    paths = [path for path in paths if path.is_file() and path != folder / FILE]
    digests = {path.relative_to(folder).as_posix(): _digest(path) for path in paths}
    write_text(folder / FILE, json.dumps(digests, indent=2) + "\n")


def check_digests(folder: Path, names: Iterable[str]) -> None:
    """Raise UserError, naming the file, where one of some files is missing, was changed or was added since the save.

    A folder without digests, of an older version, is not checked.
    """
    if not (folder / FILE).is_file():
        return
    digests = read_object(folder / FILE)
    for name in names:
        path = folder / name
        if (_digest(path) if path.is_file() else None) != digests.get(name):
            raise UserError(
                f"{path} is not the file that was saved: its SHA-256 is not that in {FILE}. "
                f"Copy the whole folder again. If you changed it on purpose, delete {folder / FILE}."
            )


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
