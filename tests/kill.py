"""Training runs that die at the end of an epoch."""

from zoo.training import callbacks, checkpoint


class KilledError(Exception):
    """Stands in for kill -9 where a process of its own would be slow."""


def kill_after(monkeypatch, epochs):
    """Make the run die just after it wrote its checkpoint number `epochs`."""
    save, calls = checkpoint.save, []

    def save_and_die(*arguments):
        save(*arguments)
        calls.append(1)
        if len(calls) == epochs:
            raise KilledError

    monkeypatch.setattr(callbacks.checkpoint, "save", save_and_die)
