"""Constrained decoding: a finite automaton as a table of token transitions, which the compiled loop looks up.

The table holds the state after each token from each state of the automaton, as the index of Willard & Louf 2023,
arXiv:2307.09702. It also holds the distance in tokens to an accepting state, so that a text is complete within
`max_new_tokens`. Tokens with the same transition in every state share a class, which is a column of the table.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.backend.shapes import power_of_two
from zoo.generation.constraints.automaton import DEAD, Automaton, from_choices, from_regex
from zoo.generation.constraints.json_schema import schema_to_regex
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

UNREACHABLE = 2**30  # tokens to the end of a text that never ends
MIN_SIZE = 64  # states, or classes, of a table
MAX_NUMBERS = 2**27  # numbers in a table


class Constraint:
    """A decoding constraint: a transition table of S states and C token classes. State 0 is the start.

    Attributes:
        arrays: {"transitions": (S, C) the state after a token, or DEAD; "classes": (vocabulary,) the class of each
            token; "tokens_to_end": (S,) distance in tokens to an accepting state}.
        min_tokens: tokens of the shortest text.

    Args:
        automaton: the `zoo.generation.constraints.automaton.Automaton` of the texts.
        token_bytes: the bytes of each token at the beginning and later in a text, of a `zoo.text.tokenizer.Tokenizer`.
        stop_ids: ids that end a text.
        vocabulary: number of logits of the network, or of tokens of the tokenizer, if greater.

    Raises UserError where no accepted text can be made of these tokens, or the table would be too large.
    """

    def __init__(self, automaton: Automaton, token_bytes: tuple[list, list], stop_ids: Sequence[int], vocabulary: int):
        columns, later, first = _columns(automaton, *token_bytes)
        states, stop = len(automaton.accepting), len(columns)
        ends = np.where(automaton.accepting, states, DEAD)
        columns = np.stack([*columns, ends, np.full(states, DEAD)], axis=1)  # the last column: tokens without bytes
        token_columns = np.full((2, max(vocabulary, len(later))), DEAD, "int32")
        token_columns[0, : len(later)], token_columns[1, : len(first)] = later, first
        token_columns[:, list(stop_ids)] = np.array([[stop], [ends[0]]])
        (later, first), classes = np.unique(token_columns, axis=1, return_inverse=True)
        table = np.full((_table_size(states + 2), _table_size(len(later))), DEAD, "int32")
        table[0, : len(later)], table[1 : states + 1, : len(later)] = first, columns[:, later]
        table[table >= 0] += 1
        tokens_to_end = _tokens_to_end(table, states + 1)
        if tokens_to_end[0] >= UNREACHABLE:
            raise UserError(
                "Expected a constraint that this model's tokens can fulfil. Received: one that they cannot: the "
                "tokenizer lacks its characters, or puts spaces between words."
            )
        table[(table >= 0) & (tokens_to_end[table] >= UNREACHABLE)] = DEAD
        self.min_tokens = int(tokens_to_end[0])
        classes = classes.reshape(-1).astype("int32")
        self.arrays = {"transitions": table, "classes": classes, "tokens_to_end": tokens_to_end}


def constraint_for(
    tokenizer: Tokenizer,
    vocabulary: int,
    choices: Sequence[str] = (),
    regex: str = "",
    json_schema: dict[str, Any] | str | None = None,
) -> Constraint | None:
    """The `Constraint` of the texts that a network with this vocabulary may generate; None without a constraint.

    Args:
        choices: the accepted texts.
        regex: a regular expression of Rust's dialect that matches the whole text.
        json_schema: a JSON schema, a dict or JSON, of the text: see `zoo.generation.constraints.json_schema`.

    Raises UserError for more than one of the three, for a tokenizer without an end token, and where no text fulfils the
    constraint.
    """
    values = {"choices": choices, "regex": regex, "json_schema": json_schema}
    names = [name for name, value in values.items() if value not in ((), "", None)]
    if not names:
        return None
    if len(names) > 1:
        raise UserError(f"Expected one of choices, regex and json_schema. Received: {' and '.join(names)}.")
    if tokenizer.end is None:
        raise UserError("Expected a tokenizer with a token that ends texts, such as [SEP] or </s>. Received: none.")
    if choices:
        _check_choices(tokenizer, choices)
    if json_schema is not None and json_schema != "":
        regex = schema_to_regex(json_schema)
    automaton = from_choices(choices) if choices else from_regex(regex)
    return Constraint(automaton, tokenizer.token_bytes, tokenizer.stop_ids, vocabulary)


def _check_choices(tokenizer, choices):
    for choice in choices:
        decoded = tokenizer.decode(tokenizer.encode(choice, special=False).ids)
        if decoded != choice:
            raise UserError(
                f"Expected choices that this model's tokens can spell. Received: {choice!r:.80}, which they spell as "
                f"{decoded!r:.80}."
            )


def _columns(automaton, first, later):
    """`(columns, column of each token, state after each token at the start)`; a column maps each state to the next."""
    transitions = np.concatenate([automaton.transitions, np.full((1, automaton.transitions.shape[1]), DEAD)])
    columns, numbers, steps = [np.arange(len(automaton.accepting))], {}, {}
    numbers[columns[0].tobytes()] = 0

    def step(number, byte):
        if (number, byte) not in steps:
            column = transitions[columns[number], byte]  # the last row is DEAD's
            key = column.tobytes()
            if key not in numbers:
                if column.size * len(columns) > MAX_NUMBERS:
                    raise UserError(f"Expected a simpler regex or JSON schema. Received: one of {column.size} states.")
                numbers[key] = len(columns)
                columns.append(column)
            steps[number, byte] = numbers[key]
        return steps[number, byte]

    def column_of(token):
        number = 0
        for byte in token:
            number = step(number, byte)
        return number if token else DEAD

    classes = np.array([column_of(token) for token in later], "int32")
    start = [columns[number][0] if (number := column_of(token)) >= 0 else DEAD for token in first]
    return columns, classes, np.array(start, "int32")


def _tokens_to_end(table, end):
    """(S,): the fewest tokens from each state to an accepting state, by a breadth-first search from `end`."""
    distance = np.full(len(table), UNREACHABLE, "int32")
    sources, _ = np.nonzero(table >= 0)
    pairs = np.unique(np.stack([table[table >= 0], sources]), axis=1)
    starts = np.searchsorted(pairs[0], np.arange(len(table) + 1))
    distance[end] = 0
    accepting = pairs[1, starts[end] : starts[end + 1]]
    distance[accepting] = 0
    queue = deque(accepting.tolist())
    while queue:
        state = queue.popleft()
        for source in pairs[1, starts[state] : starts[state + 1]].tolist():
            if distance[source] > distance[state] + 1:
                distance[source] = distance[state] + 1
                queue.append(source)
    return distance


def _table_size(number):
    """A number of states or classes, rounded up to a power of two, so that few shapes are compiled."""
    return max(MIN_SIZE, power_of_two(number))
