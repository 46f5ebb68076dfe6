"""Atomic replacement of folders: one rename that exchanges two folders (renameat2), or else two renames."""

import ctypes
import errno
import os
from functools import cache
from pathlib import Path

from zoo.runtime.leftovers import OLD, hidden_path, remove
from zoo.runtime.locks import locked_folder

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of linux/fcntl.h and linux/fs.h
OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)  # of a rename onto something
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
ATTEMPTS = 20  # while other processes create and remove the same folder


def publish_folder(partial: Path, path: Path, replace: bool = True) -> None:
    """Rename the folder `partial` to `path`. Where `path` exists, it is replaced, or stays without `replace`.

    Afterwards `partial` may hold what was replaced. There is always a folder at `path` where `renameat2` exists.
    """
    for attempt in range(ATTEMPTS):
        try:
            partial.rename(path)
        except OSError as error:
            if error.errno not in OCCUPIED or attempt == ATTEMPTS - 1 or not os.path.lexists(path):
                raise
        else:
            return
        if not replace:
            return
        try:
            if not exchange(partial, path):
                _replace_by_two(partial, path)
        except FileNotFoundError:  # another process moved it
            continue
        return


def exchange(left: Path, right: Path) -> bool:
    """Exchange two files or folders in one step; False where the system cannot. Raises OSError where one is missing."""
    renameat2 = _renameat2()
    if renameat2 is None:
        return False
    paths = os.fsencode(left), os.fsencode(right)
    if renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(right))


@cache
def _renameat2():
    """The function of the C library; None where it has none."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, TypeError, AttributeError):
        return None
    function.argtypes = ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint
    return function


def _replace_by_two(partial, path):
    """Two renames. A process that is killed between them leaves `path` as `.NAME.PROCESS.old`."""
    old = hidden_path(path, OLD)
    remove(old)
    with locked_folder(path):
        path.rename(old)
        try:
            partial.rename(path)
        except OSError:
            if not os.path.lexists(path):
                old.rename(path)
            raise
        remove(old)
