"""Atomic writes: a file or folder is complete or absent, even after a full disk, Ctrl-C or kill -9."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from zoo.runtime.errors import UserError


@contextmanager
def atomic_file(path: str | Path, mode: str = "wb", **options) -> Iterator[IO]:
    """Atomic write of a file: a new file replaces `path` when the block ends without an error.

    Args:
        options: of `open`.
    """
    path = Path(path)
    partial = _beside(path, "partial")
    try:
        with name_in_errors(path):
            with partial.open(mode, **options) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
    finally:
        with suppress(OSError):  # no such file
            partial.unlink()


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Atomic write of a folder: a new folder replaces `path` when the block ends without an error."""
    path = Path(path)
    partial, old = _beside(path, "partial"), _beside(path, "old")
    try:
        with name_in_errors(path):
            shutil.rmtree(partial, ignore_errors=True)  # left by a killed process with the same id
            partial.mkdir(parents=True)
            yield partial
            _replace(path, partial, old)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Set `path` as the file name of an `OSError` in the block that has none, as that of a failed write has."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or ".partial" in str(error.filename)):
            error.filename = str(path)
        raise


def check_new(path: str | Path, purpose: str) -> None:
    """Raise UserError where a folder that is to be created exists."""
    if Path(path).exists():
        raise UserError(f"Expected a new folder to {purpose}. Received: {path}, which exists.")


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_file(path, "w", encoding="utf-8") as file:
        file.write(text)


def _beside(path, suffix):
    """A hidden path of this process in the folder of `path`, for an atomic rename."""
    return path.with_name(f".{path.name}.{os.getpid()}.{suffix}")


def _replace(path, partial, old):
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
    partial.rename(path)
