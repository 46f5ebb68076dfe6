"""The lock of a run: one process at a time trains into a model folder, from the start of a run to its end."""

from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from zoo.runtime.durability import make_folder
from zoo.runtime.errors import UserError
from zoo.runtime.locks import LockedError, is_locked, lock_file


class BusyError(UserError):
    """Another process trains into the model folder."""


class RunLock:
    """A context manager that holds the lock of a model folder, `.NAME.lock` beside it, from `acquire` to its end.

    The file holds the number of the process. A lock of a process that was killed has no effect.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stack.close()

    def acquire(self, folder: Path) -> None:
        """Lock a model folder. Raises BusyError, with the number of the process, where another one trains into it."""
        missing = [parent for parent in folder.absolute().parents if not parent.exists()]
        try:
            make_folder(folder.absolute().parent)
            for parent in reversed(missing):  # removed in the end where nothing was saved
                self._stack.callback(_remove_empty, parent)
            self._stack.enter_context(lock_file(_path(folder)))
        except LockedError as error:
            process = f"process {error.process}" if error.process else "another process"
            raise BusyError(
                f"{process} is training into {folder}: wait for its end, or save in another folder (--to)."
            ) from None
        except OSError as error:
            error.filename = str(folder)
            raise


def is_training(folder: Path) -> bool:
    """Whether a process trains into a model folder."""
    return is_locked(_path(folder))


def _path(folder):
    return folder.with_name(f".{folder.name}.lock")


def _remove_empty(folder):
    with suppress(OSError):
        folder.rmdir()
