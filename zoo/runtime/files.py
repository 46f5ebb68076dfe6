"""Atomic writes: a file or folder is complete or absent, even after a full disk, Ctrl-C, kill -9 or a power cut.

Both are synced before they are renamed. A link at the path is followed. Killed processes: see `zoo.runtime.leftovers`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from zoo.runtime.durability import make_folder, sync, sync_tree
from zoo.runtime.errors import UserError
from zoo.runtime.leftovers import PARTIAL, hidden_path, remove, remove_leftovers
from zoo.runtime.locks import lock, locked_folder
from zoo.runtime.renaming import publish_folder


@contextmanager
def atomic_file(path: str | Path, mode: str = "wb", **options) -> Iterator[IO]:
    """Atomic write of a file: a new file replaces `path` when the block ends without an error.

    Args:
        options: of `open`.
    """
    path = follow_link(path)
    partial = hidden_path(path, PARTIAL)
    remove_leftovers(path.parent, path.name)
    try:
        with name_in_errors(path):
            with partial.open(mode, **options) as file:
                lock(file.fileno())
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            sync(path.parent)
    finally:
        remove(partial)


@contextmanager
def atomic_folder(path: str | Path, replace: bool = True) -> Iterator[Path]:
    """Atomic write of a folder: a new folder replaces `path` when the block ends without an error.

    Args:
        replace: False where a folder of that name, which another process wrote meanwhile, is as good: it stays.
    """
    path = follow_link(path)
    remove_leftovers(path.parent, path.name)
    with temporary_folder(path) as partial:
        yield partial
        sync_tree(partial)
        publish_folder(partial, path, replace)
        sync(path.parent)


@contextmanager
def temporary_folder(path: str | Path) -> Iterator[Path]:
    """A hidden folder beside `path`, removed at the end of the block; of a killed process, by the next one."""
    path = Path(path)
    partial = hidden_path(path, PARTIAL)
    try:
        with name_in_errors(path):
            remove(partial)  # left by a killed process with the same number
            make_folder(path.parent)
            partial.mkdir()
            with locked_folder(partial):
                yield partial
    finally:
        remove(partial)


@contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Set `path` as the file name of an `OSError` in the block that has none, as that of a failed write has."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or f".{PARTIAL}" in str(error.filename)):
            error.filename = str(path)
        raise


def follow_link(path: str | Path) -> Path:
    """The path that a link leads to, even where nothing is there; any other path as it is.

    Raises UserError for a link that leads to itself.
    """
    path = Path(path)
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise UserError(f"Expected a link that leads to a file or folder. Received: {path}, which leads to itself.")
    return target


def check_new(path: str | Path, purpose: str) -> None:
    """Raise UserError where a folder that is to be created exists."""
    if Path(path).exists():
        raise UserError(f"Expected a new folder to {purpose}. Received: {path}, which exists.")


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_file(path, "w", encoding="utf-8") as file:
        file.write(text)
