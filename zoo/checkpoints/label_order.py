"""Rows of a head follow the names of its labels: a checkpoint's classes may stand in another order than the data's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.checkpoints.class_labels import read_labels
from zoo.checkpoints.hf_config import architecture_class, mapping_of, read_config, read_head
from zoo.checkpoints.published_head import output_rows
from zoo.checkpoints.weight_map import read_tensors
from zoo.objectives import Objective
from zoo.runtime.errors import UserError

LAYERS = {"labels": "logits", "tags": "tags"}  # field of an objective with names of classes -> its output layer
HEADS = {"classify_text": "logits", "tag_tokens": "tags"}  # objective of a published head -> its output layer
Order = list[int] | None  # row of the checkpoint for each class; None: the layer begins afresh


def class_names(objective: Objective) -> dict[str, tuple[str, ...]]:
    """{output layer: names of its classes} of an objective; {} of one without classes."""
    names = {layer: tuple(getattr(objective, field, ())) for field, layer in LAYERS.items()}
    return {layer: labels for layer, labels in names.items() if labels}


def published_class_names(folder: Path) -> dict[str, tuple[str, ...]]:
    """{output layer: names of its classes} of a folder of transformers; {} where they cannot be told."""
    config = read_config(folder)
    mapping, head = mapping_of(architecture_class(config)), read_head(config)
    if head is None or head.objective not in HEADS:
        return {}
    try:
        return {HEADS[head.objective]: read_labels(config, output_rows(mapping, head, read_tensors(folder, mapping)))}
    except UserError:  # of the names: an import refuses them, a warm start needs none
        return {}


def label_orders(ours: Mapping[str, Sequence[str]], theirs: Mapping[str, Sequence[str]]) -> dict[str, Order]:
    """{output layer: order}: for each class the row of the checkpoint that has its name.

    None where the names are not the same: a row that has learned another class is worse than a new one.

    >>> label_orders({"logits": ("bad", "good")}, {"logits": ("good", "bad")})
    {'logits': [1, 0]}
    >>> label_orders({"logits": ("bad", "good")}, {"logits": ("LABEL_0", "LABEL_1")})
    {'logits': None}
    """
    orders: dict[str, Order] = {}
    for layer, labels in ours.items():
        rows = {label: row for row, label in enumerate(theirs.get(layer, ()))}
        orders[layer] = [rows[label] for label in labels] if set(rows) == set(labels) else None
    return orders


def reordered(path: str, array: np.ndarray, orders: Mapping[str, Order]) -> np.ndarray:
    """A weight of a checkpoint with its classes in the order of the objective: the last axis of a kernel, else all."""
    layer, _, leaf = path.partition("/")
    order: Any = orders.get(layer)
    if order is None:
        return array
    axes = (array.ndim - 1,) if leaf == "kernel" else range(array.ndim)
    for axis in axes:
        array = np.take(array, order, axis)
    return array


def is_afresh(path: str, orders: Mapping[str, Order]) -> bool:
    """Whether the layer of a weight begins afresh."""
    layer = path.partition("/")[0]
    return layer in orders and orders[layer] is None
