"""File locks (flock): a process holds a lock until it ends, however it ends, and other processes see that it is locked.

On Windows, and on file systems without locks, nothing is locked.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class LockedError(Exception):
    """Another process, or another thread of this one, has locked a file.

    Args:
        process: its number; None where the file does not say it.
    """

    def __init__(self, process: int | None) -> None:
        super().__init__(f"locked by process {process}")
        self.process = process


def lock(descriptor: int) -> bool | None:
    """Lock an open file or folder while it is open: True; False where it is locked already, None without locks.

    Never waits.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


@contextmanager
def locked_folder(path: Path) -> Iterator[bool]:
    """Lock a file or folder within the block; yields whether this process has the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # Windows opens no folders; or it is gone
        yield False
        return
    try:
        yield lock(descriptor) is True
    finally:
        os.close(descriptor)


def open_locked(path: Path) -> int:
    """Open a file for reading and writing, created if missing, and lock it. Returns its descriptor.

    Raises LockedError where another process has locked it.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if lock(descriptor) is False:
                raise LockedError(_process_in(descriptor))
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the process that had locked it has removed it since


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Within the block a file with the number of this process is locked; it is removed afterwards.

    The file of a process that was killed is taken over. Raises LockedError where another process has locked it.
    """
    descriptor = open_locked(path)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process has locked a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return lock(descriptor) is False
    finally:
        os.close(descriptor)


def process_exists(process: int) -> bool:
    """Whether a process of that number exists on this machine."""
    if os.name == "nt":  # os.kill would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _process_in(descriptor):
    """The number of a process that is the content of an open file."""
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None


def _is_at(descriptor, path):
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
