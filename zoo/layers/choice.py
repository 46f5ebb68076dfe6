"""Refuses a word that is not among the known ones."""

import difflib


def choose(what, received, known):
    """`received`, where it is one of the `known` words.

    Raises ValueError, naming the nearest known word, where it is not.
    """
    if received in known:
        return received
    near = difflib.get_close_matches(str(received), list(known), n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown {what}. Received: {received!r}.{hint} Known: {', '.join(known)}.")
