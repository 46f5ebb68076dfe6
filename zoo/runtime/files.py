"""Writes that are whole or absent, whatever happens meanwhile: a full disk, Ctrl-C, kill -9."""

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path, mode="wb", **options):
    """Open a file that takes the place of `path` only when the block ends without an error."""
    path = Path(path)
    partial = _beside(path, "partial")
    try:
        with naming(path):
            with partial.open(mode, **options) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
    finally:
        with suppress(OSError):  # there is none
            partial.unlink()


@contextmanager
def whole_folder(path):
    """A new folder that takes the place of `path` only when the block ends without an error."""
    path = Path(path)
    partial, old = _beside(path, "partial"), _beside(path, "old")
    try:
        with naming(path):
            shutil.rmtree(partial, ignore_errors=True)  # of a process with this number that was killed
            partial.mkdir(parents=True)
            yield partial
            _replace(path, partial, old)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def naming(path):
    """Let an error of the system name the file at hand: one that a failed write raises does not."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or ".partial" in str(error.filename)):
            error.filename = str(path)
        raise


def check_new(path, purpose):
    """Raise ValueError where a folder that is to be made is there already."""
    if Path(path).exists():
        raise ValueError(f"Expected a new folder to {purpose}. Received: {path}, which exists.")


def write_text(path, text):
    """Write a whole UTF-8 text file."""
    with whole_file(path, "w", encoding="utf-8") as file:
        file.write(text)


def _beside(path, what):
    return path.with_name(f".{path.name}.{os.getpid()}.{what}")


def _replace(path, partial, old):
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
    partial.rename(path)
