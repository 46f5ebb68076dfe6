"""User errors: mistakes that a user can cause, reported in one clear line."""

import difflib
import errno
from collections.abc import Collection, Iterable

LISTED = 20  # most names of the catalog that a message lists
LISTABLE = ("architecture", "objective", "preset", "reader", "tokenizer")  # `zoo list` lists them
USER_ERROR = 2  # exit status of a user error; 1 is a bug in the zoo
HINTS = {  # {error number of an OSError: what to do about it}
    errno.ENOENT: "Create its folder first, or correct the path.",
    errno.ENOTDIR: "A part of that path is a file.",
    errno.ENOSPC: "Free some space on its disk, then try again.",
    errno.EDQUOT: "Free some space on its disk, then try again.",
    errno.EFBIG: "The file system, or a limit of this process (ulimit -f), allows no file of that size.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ELOOP: "A link there leads to itself, or is where a file is expected.",
    errno.EROFS: "Choose a folder that can be written to.",
    errno.EACCES: "Change its permissions, or choose another path.",
    errno.EPERM: "Change its permissions, or choose another path.",
}


class UserError(ValueError):
    """A mistake that a user can cause; its message is one clear line.

    The command line prints the message and exits with 2. Every other exception is a bug and keeps its traceback.
    """


class RowError(UserError):
    """A row of data that cannot be used, while the rows after it can: `--skip` leaves such rows out.

    Args:
        reason: what such rows have in common, as a noun: "an empty label".
    """

    def __init__(self, message: str, reason: str = "a value of the wrong form") -> None:
        super().__init__(message)
        self.reason = reason


def user_message(error: BaseException) -> str | None:
    """The one-line message of a user error, without a line break; None for a bug.

    An `OSError` of the system (a missing file, a full disk) counts as a user error.
    """
    if isinstance(error, OSError) and error.strerror:
        path = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{path}. {HINTS.get(error.errno or 0, '')}".strip()
    return single_line(str(error)) if isinstance(error, UserError) else None


def single_line(text: str) -> str:
    """`text` with each run of white space, line breaks too, as one space."""
    return " ".join(text.split())


def nearest(name: object, known: Iterable) -> str | None:
    """The known name nearest to `name`, or None."""
    matches = difflib.get_close_matches(str(name), map(str, known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def did_you_mean(name: object, known: Iterable) -> str:
    """ " Did you mean 'x'?" with the nearest known name, or "" where no known name is near."""
    match = nearest(name, known)
    return f" Did you mean {match!r}?" if match else ""


def unknown(noun: str, received: object, known: Collection[str]) -> str:
    """The message for a name that is not among the `known` names, with the nearest known name.

    Args:
        noun: what the name stands for, such as "architecture".
    """
    message = f"Unknown {noun}. Received: {received!r}."
    if len(known) > LISTED and noun in LISTABLE:
        near = difflib.get_close_matches(str(received), map(str, known), n=3, cutoff=0.4)
        return f"{message}{did_you_mean(received, known)} {_others(near[1:])}{len(known)} are known: zoo list {noun}s."
    return f"{message}{did_you_mean(received, known)} Known: {', '.join(known)}."


def _others(names):
    return f"Others of such a name: {', '.join(names)}. " if names else ""


def one_of(noun: str, received: str, known: Collection[str]) -> str:
    """Check that `received` is one of the `known` words, and return it.

    Raises UserError, with the nearest known word, if it is not.
    """
    if received in known:
        return received
    raise UserError(unknown(noun, received, known))


def shorten(value: object, limit: int = 80) -> str:
    """`repr(value)`, shortened in the middle to about `limit` characters, so that a message stays one line."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deep; an integer of too many digits
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"
