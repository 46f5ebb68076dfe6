"""The outputs of a network that an answer is decided by, and those that compete with them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.explore.answer_choices import answer_choices
from zoo.explore.text_run import TextRun
from zoo.objectives.embed_text import VECTOR, EmbedText
from zoo.pipeline.predictor import predict, predict_function
from zoo.transforms.per_model import per_model


@dataclass(eq=False)
class AnswerOutputs:
    """The outputs that compete for an answer. `names`, `chosen` and `groups` are those of `views.Attribution`.

    Attributes:
        model: the network, of `embed_text` without the normalization of its vectors.
        read: `read(outputs)` selects them, (rows, outputs), of the outputs of the network.
    """

    model: keras.Model
    names: list[str]
    chosen: list[int]
    groups: list[int]
    read: Callable[[Any], Tensor]


def answer_outputs(run: TextRun, limit: int) -> AnswerOutputs | None:
    """The outputs that compete for an answer; None for an empty text, and an objective that is not of the catalog.

    Args:
        limit: most choices, such as tagged or generated tokens: the first ones, of spans those inside them first.
    """
    if not any(run.sequences.values()):
        return None
    if isinstance(run.pipeline.objective, EmbedText):
        return _similarity(run)
    model = run.pipeline.model
    outputs = keras.tree.map_structure(ops.convert_to_numpy, run_model(model, run.inputs))
    choices = list(islice(answer_choices(run, outputs), limit))
    if not choices:
        return None
    chosen, groups, names = [], [], []
    for group, choice in enumerate(choices):
        chosen += [len(names) + i for i in choice.chosen]
        names += choice.names
        groups += [group] * len(choice.names)
    return AnswerOutputs(model, names, chosen, groups, _reader(choices, outputs))


def run_model(model: keras.Model, inputs: Mapping[str, np.ndarray]) -> Any:
    """The outputs of a model for those of `inputs`, {input: (rows, time) array}, that it reads."""
    return predict_function(model)({name: inputs[name] for name in model.input})


def _reader(choices, outputs):
    """The function that selects the logits of choices of a structure of outputs, which has the shapes of `outputs`."""

    columns = []
    for choice in choices:
        shape = (outputs[choice.output] if choice.output else outputs).shape[1:]
        columns.append((choice.output, math.prod(shape), np.ravel_multi_index(tuple(choice.indices.T), shape)))

    def read(outputs):
        arrays = [(outputs[name] if name else outputs, size, indices) for name, size, indices in columns]
        return ops.concatenate([ops.take(ops.reshape(y, (-1, size)), i, axis=1) for y, size, i in arrays], axis=1)

    return read


def _similarity(run):
    """The cosine similarity of a vector to that of the second text, or else to itself, with the length held fixed."""
    pipeline = run.pipeline
    (decision,) = predict(pipeline.model, pipeline.objective, pipeline.tokenizer, [run.record])
    model = _without_normalization(pipeline.model)
    length = np.linalg.norm(ops.convert_to_numpy(run_model(model, run.inputs)))
    key, name = ("partner", "the second text") if "partner" in decision else ("vector", "the text itself")
    direction = (decision[key] / np.maximum(length, np.finfo("float32").tiny))[:, None]
    return AnswerOutputs(model, [f"similarity to {name}"], [0], [0], lambda outputs: ops.matmul(outputs, direction))


@per_model
def _without_normalization(model):
    """A model of `embed_text` to vectors before they are divided by their length."""
    return keras.Model(model.input, model.get_layer(VECTOR).input)
