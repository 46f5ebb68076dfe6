"""What a text must be, as a table: from each state of an automaton, where each token leads.

The table is arrays, so that the compiled loop looks up what it may choose (as Willard & Louf 2023, arXiv:2307.09702, do
outside it), and knows how many tokens a text still needs, so that it is whole when the room for it ends. Tokens that
do the same in every state, which most do, are one class: a column of the table.
"""

from collections import deque

import numpy as np

from zoo.backend.shapes import power_of_two
from zoo.generation.constraints.automaton import NOWHERE, of_pattern, of_texts
from zoo.generation.constraints.json_schema import expression
from zoo.runtime.errors import UserError

FAR = 2**30  # tokens to the end of a text that never ends
SMALLEST = 64  # states, or classes, of a table
LARGEST = 2**27  # numbers in a table


class Constraint:
    """A table of S states and C classes of tokens. State 0 is a text without a token, the last one a text that ended.

    Attributes:
        arrays: {"table": (S, C) the state after a token, or NOWHERE; "classes": (vocabulary,) the class of each token;
            "left": (S,) how many tokens a text still needs in order to be whole}.
        least: tokens of the shortest text.

    Args:
        automaton: the `zoo.generation.constraints.automaton.Automaton` of the texts.
        spellings: what the tokens add to a text, of `zoo.tokenizer.Tokenizer`.
        stops: ids that end a text.
        vocabulary: how many ids the network knows; where the tokenizer has more, as many.

    Raises UserError where no text can be written with these tokens, or the table would be too large.
    """

    def __init__(self, automaton, spellings, stop_ids, vocabulary):
        columns, later, first = _columns(automaton, *spellings)
        states, stop = len(automaton.accepts), len(columns)
        ends = np.where(automaton.accepts, states, NOWHERE)
        columns = np.stack([*columns, ends, np.full(states, NOWHERE)], axis=1)  # the last: of tokens that say nothing
        both = np.full((2, max(vocabulary, len(later))), NOWHERE, "int32")
        both[0, : len(later)], both[1, : len(first)] = later, first
        both[:, list(stop_ids)] = np.array([[stop], [ends[0]]])
        (kinds, firsts), classes = np.unique(both, axis=1, return_inverse=True)
        table = np.full((_power(states + 2), _power(len(kinds))), NOWHERE, "int32")
        table[0, : len(kinds)], table[1 : states + 1, : len(kinds)] = firsts, columns[:, kinds]
        table[table >= 0] += 1
        left = _left(table, states + 1)
        if left[0] >= FAR:
            raise UserError(
                "Expected a pattern or schema that this model's tokens can write. Received: one that they cannot: its "
                "tokenizer lacks the characters, or puts blanks between words."
            )
        table[(table >= 0) & (left[table] >= FAR)] = NOWHERE
        self.least = int(left[0])
        self.arrays = {"table": table, "classes": classes.reshape(-1).astype("int32"), "left": left}


def constrain(tokenizer, vocabulary, choices=(), pattern="", schema=None):
    """The `Constraint` of texts that a network with so many ids and this tokenizer may write; None where all may be.

    Args:
        choices: texts, one of which is written.
        pattern: a regular expression of Rust's dialect, which matches the whole text.
        schema: a JSON schema, a dict or JSON, that holds for the text: see `zoo.generation.constraints.json_schema`.

    Raises UserError for more than one of them, and where no text is as it must be.
    """
    given = {"choices": choices, "pattern": pattern, "schema": schema}
    given = {name: value for name, value in given.items() if value not in ((), "", None)}
    if not given:
        return None
    if len(given) > 1:
        raise UserError(f"Expected choices, a pattern or a schema. Received: {' and '.join(given)}.")
    if tokenizer.end is None:
        raise UserError("Expected a tokenizer with a token that ends texts, such as [SEP] or </s>. Received: none.")
    if choices:
        _check_writable(tokenizer, choices)
    automaton = of_texts(choices) if choices else of_pattern(pattern or expression(schema))
    return Constraint(automaton, tokenizer.token_bytes, (tokenizer.end,), vocabulary)


def _check_writable(tokenizer, choices):
    for choice in choices:
        written = tokenizer.decode(tokenizer.encode(choice, special=False).ids)
        if written != choice:
            raise UserError(
                f"Expected choices that this model's tokens can write. Received: {choice!r:.80}, which they write as "
                f"{written!r:.80}."
            )


def _columns(automaton, first, later):
    """`(columns, class of each token, state that each leads to at the beginning)`; a column holds a state for each."""
    following = np.concatenate([automaton.following, np.full((1, automaton.following.shape[1]), NOWHERE)])
    columns, numbers, steps = [np.arange(len(automaton.accepts))], {}, {}
    numbers[columns[0].tobytes()] = 0

    def step(number, byte):
        if (number, byte) not in steps:
            column = following[columns[number], byte]  # the last row is NOWHERE's
            key = column.tobytes()
            if key not in numbers:
                if column.size * len(columns) > LARGEST:
                    raise UserError(f"Expected a simpler pattern or schema. Received: one of {column.size} states.")
                numbers[key] = len(columns)
                columns.append(column)
            steps[number, byte] = numbers[key]
        return steps[number, byte]

    def run(spelling):
        number = 0
        for byte in spelling:
            number = step(number, byte)
        return number if spelling else NOWHERE

    classes = np.array([run(spelling) for spelling in later], "int32")
    begun = [columns[number][0] if (number := run(spelling)) >= 0 else NOWHERE for spelling in first]
    return columns, classes, np.array(begun, "int32")


def _left(table, end):
    """(S,): the fewest tokens from each state to one from which a stop leads to the end."""
    left = np.full(len(table), FAR, "int32")
    sources, _ = np.nonzero(table >= 0)
    pairs = np.unique(np.stack([table[table >= 0], sources]), axis=1)
    begins = np.searchsorted(pairs[0], np.arange(len(table) + 1))
    left[end] = 0
    whole = pairs[1, begins[end] : begins[end + 1]]
    left[whole] = 0
    waiting = deque(whole.tolist())
    while waiting:
        state = waiting.popleft()
        for source in pairs[1, begins[state] : begins[state + 1]].tolist():
            if left[source] > left[state] + 1:
                left[source] = left[state] + 1
                waiting.append(source)
    return left


def _power(number):
    """Rounded up to a power of two: few shapes are compiled."""
    return max(SMALLEST, power_of_two(number))
