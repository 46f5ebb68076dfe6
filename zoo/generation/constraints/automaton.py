"""Deterministic finite automata (DFA) over bytes, from choices or from a regular expression."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.runtime.errors import UserError

BYTES = 256
END = 0  # NUL, which no text contains
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
        successors.pop(BYTES, None)  # the library's own end-of-text token
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
            'regex and json_schema need the package outlines-core: pip install "keras-text-zoo[constraints]"'
        ) from None
    vocabulary = Vocabulary(BYTES, {bytes([byte]): [byte] for byte in range(BYTES)})
    try:
        Index(regex, vocabulary)  # first by itself: "a)(b" is invalid, "(?:a)(b)" is not
        return Index(rf"(?:{regex})\x00", vocabulary)  # with END: its accepting states have no transitions
    except ValueError:
        raise UserError(
            "Expected a regular expression that some text matches as a whole, without anchors, \\b or look-around. "
            f"Received: {regex!r:.200}{_error(regex)}."
        ) from None


def _error(regex):
    """The message of Python's `re` about an invalid expression; "" where the expression is valid in Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # FutureWarning: sets such as [a&&b], which only Rust has
            re.compile(regex)
    except re.error as error:
        return f", {error}"
    return ""
