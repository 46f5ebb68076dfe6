"""The comparison of two models on one text: their answers, and how far the rows of each attention head moved."""

from collections.abc import Iterator

import numpy as np

from zoo.explore.views import Attention, Comparison, HeadChange, TextExplanation, Token


def compare_texts(first: TextExplanation, second: TextExplanation) -> Comparison:
    """Compare two models on one text.

    Rows of attention are compared where both models read the same tokens: with causal attention, up to the first token
    that differs. `left_out` says which attention has no comparison.
    """
    changes = [change for change, _ in _changes(first, second) if change]
    return Comparison((first.answer, second.answer), changes)


def left_out(first: TextExplanation, second: TextExplanation) -> list[str]:
    """A line for each attention that `compare_texts` leaves out, with the reason."""
    return [reason for change, reason in _changes(first, second) if not change]


def _changes(first, second) -> Iterator[tuple[HeadChange | None, str]]:
    """Yield (change, "") or (None, why there is no comparison) of each attention of either model."""
    others = {attention.name: attention for attention in second.attention}
    for attention in first.attention:
        other = others.pop(attention.name, None)
        reason = _reason(first, attention, second, other)
        if reason or other is None:
            yield None, f"Not compared: {attention.name}. {reason}"
        else:
            yield HeadChange(attention.name, _distance(first, attention, second, other)), ""
    yield from ((None, f"Not compared: {name}. Only the second model has it.") for name in others)


def _reason(first, attention: Attention, second, other: Attention | None):
    """Why two attentions cannot be compared; "" where they can."""
    if other is None:
        return "Only the first model has it."
    shapes = [_shape(side) for side in (attention, other)]
    if shapes[0] != shapes[1]:
        return f"The models differ in shape: {_size(shapes[0])}, and {_size(shapes[1])}."
    shared, keys, lengths = _shared(first, attention, second, other)
    if not shared or (keys < max(lengths) and not (attention.causal and attention.queries == attention.keys)):
        return "The models read other tokens."
    return ""


def _size(shape):
    return f"{len(shape)} layer{'s'[: len(shape) != 1]} of {max(shape)} head{'s'[: max(shape) != 1]}"


def _shape(attention):
    """The number of heads of each layer."""
    return [len(layer.weights) for layer in attention.layers]


def _shared(first, attention, second, other):
    """`(shared queries, shared keys, (keys of the first, of the second))`: how many tokens are equal from the start."""
    keys = first.sequences[attention.keys], second.sequences[other.keys]
    queries = _prefix(first.sequences[attention.queries], second.sequences[other.queries])
    return queries, _prefix(*keys), [len(side) for side in keys]


def _prefix(first: list[Token], second: list[Token]) -> int:
    """The number of tokens before the first that differs."""
    equal = [a.text == b.text for a, b in zip(first, second, strict=False)]
    return equal.index(False) if False in equal else len(equal)


def _distance(first, attention, second, other) -> np.ndarray:
    """(layers, heads): half the sum of differences of a row of weights, the mean of all shared rows."""
    queries, keys, _ = _shared(first, attention, second, other)
    pairs = zip(attention.layers, other.layers, strict=True)
    rows = [np.abs(a.weights[:, :queries, :keys] - b.weights[:, :queries, :keys]).sum(-1) / 2 for a, b in pairs]
    return np.stack([row.mean(-1) for row in rows]).astype("float32")
