"""Ctrl-C: deferred until the work at hand is done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def defer_interrupt(action: Callable[[], None] | None = None) -> Iterator[Callable[[], bool]]:
    """Defer Ctrl-C (SIGINT) within the block; a second Ctrl-C raises KeyboardInterrupt at once.

    Args:
        action: called at the first Ctrl-C.

    Yields a function that returns whether Ctrl-C was pressed. In a thread other than the main one, where Python
    delivers no signals, nothing is deferred.
    """
    presses = []

    def handler(number, frame):
        if presses:
            raise KeyboardInterrupt
        presses.append(number)
        if action:
            action()

    try:
        before = signal.signal(signal.SIGINT, handler)
    except ValueError:  # not in the main thread
        yield lambda: False
        return
    try:
        yield lambda: bool(presses)
    finally:
        signal.signal(signal.SIGINT, before)
