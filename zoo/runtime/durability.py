"""Durability: files and folders are synced (fsync) to disk, so that a power cut loses nothing that was published."""

import errno
import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, each durably. An existing folder stays.

    Raises NotADirectoryError where a part of the path is a file.
    """
    if path.is_dir():
        return
    if os.path.lexists(path):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Sync all files in a folder, and in the folders within, then the folders."""
    for root, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                sync(path)
        sync(Path(root))


def sync(path: Path) -> None:
    """Sync a file's content, or a folder's list of names. Raises OSError where the disk fails or is full."""
    if os.name == "nt":  # syncs only files that are open for writing
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
