"""How a command ends: its exit status, and one clear line for what the user can mend."""

import errno
import os
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

import typer

UsageError = typer.BadParameter.__base__  # Typer's own class has no public name
HOME = str(Path(__file__).parents[1])
MISTAKE, INTERRUPTED = 2, 130  # exit statuses; 1 is a fault of ours
HINTS = {
    errno.ENOENT: "Make the folder that it is to be in, or mend the path.",
    errno.ENOTDIR: "A part of that path is a file.",
    errno.ENOSPC: "Free some space there, then try again.",
    errno.EDQUOT: "Free some space there, then try again.",
    errno.EROFS: "Choose a place that can be written to.",
    errno.EACCES: "Change its permissions, or choose another place.",
    errno.EPERM: "Change its permissions, or choose another place.",
}


def run(app):
    """Run a Typer app and exit with 0 where it is done, 2 the user's mistake (one line), 1 ours, 130 Ctrl-C."""
    try:
        sys.exit(_status(app, sys.argv[1:] or ["--help"]))
    except BrokenPipeError:  # `zoo predict ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python's last flush needs an open end
        sys.exit(0)
    except KeyboardInterrupt:
        resumed = " A run that had begun goes on with --resume." if "train" in sys.argv[1:2] else ""
        print(f"Ended by Ctrl-C.{resumed}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if not (line := explained(error)):
            raise
        print(f"zoo: {line}", file=sys.stderr)
        sys.exit(MISTAKE)


@contextmanager
def patience():
    """Yields a function that tells whether Ctrl-C was pressed, which ends nothing within, unless pressed again."""
    pressed = []

    def note(number, frame):
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _status(app, arguments):
    """Typer's own way would put mistakes into boxes."""
    sys.stdout.reconfigure(errors="backslashreplace")  # in JSON that is an escape
    try:
        with typer.main.get_command(app).make_context("zoo", arguments) as context:
            context.command.invoke(context)
    except typer.Exit as end:  # of --help
        return end.exit_code
    sys.stdout.flush()
    return 0


def explained(error):
    """The one line, without a line break, that a mistake of the user deserves; None where the fault is ours."""
    if isinstance(error, UsageError):
        command = error.ctx.command_path if error.ctx else "zoo"
        return f"{_line(error.format_message())} (see {command} --help)"
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{place}. {HINTS.get(error.errno, '')}".strip()
    if isinstance(error, ValueError) and _raised_here(error):
        return _line(str(error))
    return None


def _raised_here(error):
    """Whether the zoo itself raised it: a ValueError from a library is a fault of ours."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(HOME)


def _line(text):
    return " ".join(text.split())
