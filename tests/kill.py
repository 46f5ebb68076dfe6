"""Training runs that are killed at the end of an epoch."""

from itertools import count

from zoo.training import checkpoint


class KilledError(Exception):
    """Simulates kill -9 without a process of its own, which would be slow."""


def kill_after(monkeypatch, epochs):
    """Kill the run just after it saved the checkpoint of epoch number `epochs`."""
    save, epoch = checkpoint.save, count(1)

    def save_and_kill(*arguments):
        save(*arguments)
        if next(epoch) == epochs:
            raise KilledError

    monkeypatch.setattr(checkpoint, "save", save_and_kill)
