"""What holds around a run: random seeds, the type that layers compute in, what Ctrl-C does."""

import random
import signal
from contextlib import contextmanager, suppress

import keras

from zoo import backend
from zoo.console import console


def set_seed(number):
    """Seed all that draws. Keras's own `set_random_seed` would import TensorFlow on every backend."""
    random.seed(number)  # Keras's layers take their seeds from here
    backend.seed(number)


@contextmanager
def precision(policy):
    """Draw layers under a Keras dtype policy such as "mixed_bfloat16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def until_interrupted(model, record):
    """The first Ctrl-C ends `fit` after the batch at hand; a second one ends the program."""

    def stop(number, frame):
        record.interrupted = model.stop_training = True
        signal.signal(signal.SIGINT, before)
        console.print("Ctrl-C: ending after this batch, then scoring and saving. Once more to end at once.")

    before = signal.getsignal(signal.SIGINT)
    with suppress(ValueError):  # not in the main thread, where no signal arrives either
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, before)
