"""Automata that read bytes: which texts there may be, as states and what leads from one to the next."""

import re
import warnings
from dataclasses import dataclass

import numpy as np

from zoo.runtime.errors import UserError

BYTES = 256
END = 0  # NUL, which no text holds
NOWHERE = -1


@dataclass(frozen=True)
class Automaton:
    """Accepts some texts, in UTF-8. State 0 is the first."""

    following: np.ndarray  # (states, 256): the state that a byte leads to, or NOWHERE
    accepts: np.ndarray  # (states,) booleans: whether a text may end there


def of_texts(texts):
    """The `Automaton` of just these texts.

    Raises UserError where there is none, or one is empty.
    """
    if not texts or not all(texts):
        raise UserError(f"Expected choices that are not empty. Received: choices={list(texts)!r:.80}.")
    states = {b"": 0}
    for text in (text.encode() for text in texts):
        for size in range(1, len(text) + 1):
            states.setdefault(text[:size], len(states))
    following = np.full((len(states), BYTES), NOWHERE, "int32")
    for beginning, state in states.items():
        if beginning:
            following[states[beginning[:-1]], beginning[-1]] = state
    accepted = {text.encode() for text in texts}
    return Automaton(following, np.array([beginning in accepted for beginning in states]))


def of_pattern(pattern):
    """The `Automaton` of the texts that a regular expression, in Rust's dialect, matches as a whole.

    Raises UserError for one that is not valid, or has anchors or looks around, which no automaton does.
    """
    index = _index(pattern)
    transitions, final = index.get_transitions(), index.get_final_states()
    numbers = {index.get_initial_state(): 0}
    for leads in transitions.values():
        leads.pop(BYTES, None)  # the library's own end
        for state in leads.values():
            numbers.setdefault(state, len(numbers))
    following, accepts = np.full((len(numbers), BYTES), NOWHERE, "int32"), np.zeros(len(numbers), bool)
    for state, leads in transitions.items():
        if state in numbers:
            accepts[numbers[state]] = leads.pop(END, None) in final
            following[numbers[state], list(leads)] = [numbers[to] for to in leads.values()]
    return Automaton(following, accepts)


def _index(pattern):
    try:
        from outlines_core import Index, Vocabulary
    except ModuleNotFoundError:
        raise UserError(
            "A regular expression or a schema needs the package outlines-core: pip install 'zoo[constraints]'."
        ) from None
    vocabulary = Vocabulary(BYTES, {bytes([byte]): [byte] for byte in range(BYTES)})
    try:
        Index(pattern, vocabulary)  # as it stands: "a)(b" is none
        return Index(rf"(?:{pattern})\x00", vocabulary)  # its automata do not go on from where a text may end
    except ValueError:
        raise UserError(
            "Expected a regular expression that some text matches as a whole, without anchors, \\b or looking around. "
            f"Received: {pattern!r:.200}{_fault(pattern)}."
        ) from None


def _fault(pattern):
    """What is wrong with an expression in Python's dialect too."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what means something else there
            re.compile(pattern)
    except re.error as error:
        return f", {error}"
    return ""
