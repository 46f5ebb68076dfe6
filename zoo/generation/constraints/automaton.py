"""Finite automata over bytes: which texts are accepted, as states and the transitions between them."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.runtime.errors import UserError

BYTES = 256
END = 0  # NUL, which no text holds
DEAD = -1  # the state from which no text is accepted


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton of texts in UTF-8. State 0 is the start.

    Attributes:
        transitions: (states, 256) integers: the state after a byte, or DEAD.
        accepting: (states,) booleans: whether a text may end there.
    """

    transitions: np.ndarray
    accepting: np.ndarray


def from_choices(texts: Sequence[str]) -> Automaton:
    """The `Automaton` of exactly these texts. Raises UserError where there is no text, or an empty one."""
    if not texts or not all(texts):
        raise UserError(f"Expected choices that are not empty. Received: choices={list(texts)!r:.80}.")
    states = {b"": 0}
    for text in (text.encode() for text in texts):
        for size in range(1, len(text) + 1):
            states.setdefault(text[:size], len(states))
    transitions = np.full((len(states), BYTES), DEAD, "int32")
    for prefix, state in states.items():
        if prefix:
            transitions[states[prefix[:-1]], prefix[-1]] = state
    accepted = {text.encode() for text in texts}
    return Automaton(transitions, np.array([prefix in accepted for prefix in states]))


def from_regex(regex: str) -> Automaton:
    """The `Automaton` of the texts that a regular expression, in Rust's dialect, matches as a whole.

    Raises UserError for an invalid expression, and for anchors or look-around, which no automaton has.
    """
    index = _index(regex)
    by_state, final = index.get_transitions(), index.get_final_states()
    numbers = {index.get_initial_state(): 0}
    for successors in by_state.values():
        successors.pop(BYTES, None)  # the library's own end
        for state in successors.values():
            numbers.setdefault(state, len(numbers))
    transitions, accepting = np.full((len(numbers), BYTES), DEAD, "int32"), np.zeros(len(numbers), bool)
    for state, successors in by_state.items():
        if state in numbers:
            accepting[numbers[state]] = successors.pop(END, None) in final
            transitions[numbers[state], list(successors)] = [numbers[to] for to in successors.values()]
    return Automaton(transitions, accepting)


def _index(regex):
    try:
        from outlines_core import Index, Vocabulary
    except ModuleNotFoundError:
        raise UserError(
            "regex and json_schema need the package outlines-core: pip install 'zoo[constraints]'."
        ) from None
    vocabulary = Vocabulary(BYTES, {bytes([byte]): [byte] for byte in range(BYTES)})
    try:
        Index(regex, vocabulary)  # alone first: "a)(b" is no expression
        return Index(rf"(?:{regex})\x00", vocabulary)  # its automata have no transitions from accepting states
    except ValueError:
        raise UserError(
            "Expected a regular expression that some text matches as a whole, without anchors, \\b or look-around. "
            f"Received: {regex!r:.200}{_error(regex)}."
        ) from None


def _error(regex):
    """The error of an expression that is invalid in Python's dialect too."""
    try:
        with warnings.catch_warnings(action="ignore"):  # about parts with another meaning in Python
            re.compile(regex)
    except re.error as error:
        return f", {error}"
    return ""
