"""Writes that are whole or absent, whatever happens meanwhile: a full disk, Ctrl-C, kill -9."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path, mode="wb", **options):
    """Open a file that takes the place of `path` only when the block ends without an error."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open(mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path):
    """A new folder that takes the place of `path` only when the block ends without an error."""
    path = Path(path)
    partial, old = (path.with_name(f".{path.name}.{os.getpid()}.{what}") for what in ("partial", "old"))
    try:
        partial.mkdir(parents=True)
        yield partial
        if path.exists():
            path.rename(old)
        partial.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path, text):
    """Write a whole UTF-8 text file."""
    with whole_file(path, "w", encoding="utf-8") as file:
        file.write(text)
