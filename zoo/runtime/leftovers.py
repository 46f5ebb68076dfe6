"""Leftovers of atomic writes: what a killed process wrote beside a path is removed by the next process.

A file or folder is written as `.NAME.PROCESS.partial`, and a folder being replaced is `.NAME.PROCESS.old` for a moment.
Both are locked while their process writes, so that no other process, of another container either, removes them.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from zoo.runtime.locks import locked_folder, process_exists

PARTIAL, OLD = "partial", "old"
HIDDEN = re.compile(rf"\.(.+)\.(\d+)\.({OLD}|{PARTIAL})", re.DOTALL)  # name, process, kind


def hidden_path(path: Path, kind: str) -> Path:
    """The path beside `path` at which this process writes it, or moves it out of the way."""
    return path.with_name(f".{path.name}.{os.getpid()}.{kind}")


def remove_leftovers(folder: Path, *names: str) -> None:
    """Remove leftovers of killed processes from a folder; an old folder without a successor gets its name back.

    Args:
        names: of the files or folders whose leftovers are removed; by default all. Name them in a folder that is not
            the zoo's own.
    """
    for path, name, kind in leftovers(folder, *names):
        with locked_folder(path) as locked:
            if not locked:
                continue
            if kind == OLD and not os.path.lexists(folder / name):
                with suppress(OSError):
                    path.rename(folder / name)
            else:
                remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def leftovers(folder: Path, *names: str) -> Iterator[tuple[Path, str, str]]:
    """Yield (path, name, kind) of the leftovers of processes that are gone, those of replaced folders first.

    Args:
        names: as of `remove_leftovers`.
    """
    try:
        entries = sorted(os.listdir(folder), key=lambda entry: not entry.endswith(OLD))
    except OSError:
        return
    for entry in entries:
        match = HIDDEN.fullmatch(entry) if entry.startswith(".") else None
        if not match or (names and match[1] not in names):
            continue
        process = int(match[2])
        if process == os.getpid() or not process_exists(process):
            yield folder / entry, match[1], match[3]
