"""Ctrl-C is deferred, and a second one is not."""

import os
import signal
from threading import Thread

import pytest

from zoo.runtime.interrupts import defer_interrupt


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_ctrl_c_is_noted_and_the_second_interrupts():
    calls, before = [], signal.getsignal(signal.SIGINT)
    with defer_interrupt(lambda: calls.append(1)) as interrupted:
        assert not interrupted()
        press()
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert calls == [1]
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_get_no_signals():
    results = []

    def work():
        with defer_interrupt() as interrupted:
            results.append(interrupted())

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert results == [False]
