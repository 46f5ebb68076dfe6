"""Messages to people on standard error; standard output holds results only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from rich.console import Console

# Paths, labels and texts are printed as they are: [/bold] in a name is no markup, and :smile: no emoji.
console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


@cache
def print_once(message: str) -> None:
    """Print a message, once in this process: data is read several times."""
    console.print(message)


@contextmanager
def silence() -> Iterator[None]:
    """Discard standard error within the block, start-up messages of C++ libraries included (file descriptor 2)."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # a process without standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as null:
            os.dup2(null.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
