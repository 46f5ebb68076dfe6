"""Refuses a word that is not among the known ones."""

from zoo.runtime.errors import unknown


def choose(what, received, known):
    """`received`, where it is one of the `known` words.

    Raises ValueError, naming the nearest known word, where it is not.
    """
    if received in known:
        return received
    raise ValueError(unknown(what, received, known))
