"""Prefill of waiting requests: prompts of one padded shape go through the network together, in the queue's order."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from zoo.backend.shapes import power_of_two
from zoo.generation.active_text import ActiveText
from zoo.generation.batch import source_padding
from zoo.generation.context import max_context
from zoo.generation.running_batch import DecodingStep
from zoo.transforms.decoding import DecodingPlan

PREFILL_TOKENS = 1024  # of prompts, padding included, between two decoding steps
PREFILL_ROWS = 8  # most prompts that go through the network together
MIN_TIME = 32  # tokens to which shorter prompts are padded; at most `running_batch.MIN_LENGTH`
Shape = tuple[int, int]  # tokens of the decoder's input and of the source, padding included


def prompt_shape(plan: DecodingPlan, context: int, text: ActiveText) -> Shape:
    """The padded shape of a text's prompt: powers of two, so that few shapes are compiled."""
    source = text.request.source
    time = 1 if len(text.window) == 1 else _padded_size(len(text.window), context)  # decoders begin with one token
    return time, 0 if source is None else _padded_size(len(source), max_context(plan.encoder_steps))


def next_group(
    queue: deque[ActiveText], room: int, budget: int, shape: Callable[[ActiveText], Shape]
) -> list[ActiveText]:
    """Take the next texts of a queue that go through the network together.

    Args:
        room: most texts.
        budget: tokens of their prompts, padding included; one text may have more.
        shape: of a text's prompt.
    """
    group: list[ActiveText] = []
    while queue and len(group) < min(room, PREFILL_ROWS):
        time, source = shape(queue[0])
        tokens = (len(group) + 1) * (time + source)
        if group and (tokens > budget or (time, source) != shape(group[0])):
            break
        group.append(queue.popleft())
    return group


def prefill(step: DecodingStep, texts: Sequence[ActiveText], shape: Shape) -> tuple[Any, Any]:
    """`(logits, cache)` of `DecodingStep.prefill` for the context windows of some texts.

    The number of rows is a power of two: the texts are repeated.
    """
    plan, rows = step.network.plan, np.resize(np.arange(len(texts)), power_of_two(len(texts))).tolist()
    windows = [texts[row].window for row in rows]
    inputs = {plan.decoder_input: _padded(windows, shape[0], 0)}
    if shape[1]:
        sources = [texts[row].request.source or [] for row in rows]
        inputs["source"] = _padded(sources, shape[1], source_padding(plan))
    lengths = np.array([len(window) for window in windows], "int32")
    tensors = {name: ops.convert_to_tensor(ids) for name, ids in inputs.items()}
    return step.prefill(tensors, ops.convert_to_tensor(lengths))


def _padded_size(length, limit):
    return min(max(power_of_two(length), MIN_TIME), limit)


def _padded(rows, time, padding):
    ids = np.full((len(rows), time), padding, "int32")
    for row, values in zip(ids, rows, strict=True):
        row[: len(values)] = values
    return ids
