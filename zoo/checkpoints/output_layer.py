"""The output layer of a published network: tied to the word vectors or with weights of its own, as its tensors say."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.architectures import Architecture
from zoo.architectures._pretrained import HuggingFaceMapping
from zoo.checkpoints.safetensors import Tensor
from zoo.runtime.errors import UserError


def with_output_layer(
    architecture: Architecture, mapping: HuggingFaceMapping, tensors: Mapping[str, Tensor]
) -> Architecture:
    """The architecture, not tied where the folder has an output layer that differs from the word vectors.

    So transformers 5 does, whatever config.json says (`tie_weights` of modeling_utils.py). Its T5 is tied otherwise.
    """
    output, words = tensors.get(mapping.output), tensors.get(f"{mapping.layers['embedding']}.weight")
    untied = output is not None and words is not None and not same_values(output, words)
    if untied or mapping.always_tied:
        return replace(architecture, **{"tied": not untied})  # `tied` is no argument of every architecture
    return architecture


def same_values(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors are equal, compared a few MB at a time."""
    if first.shape != second.shape:
        return False
    chunks = zip(first.chunks(0, first.shape[0]), second.chunks(0, second.shape[0]), strict=True)
    return all(np.array_equal(left, right) for (_, left), (_, right) in chunks)


def check_depth(
    architecture: Architecture, mapping: HuggingFaceMapping, tensors: Mapping[str, Tensor], folder: Path
) -> None:
    """Raise UserError where config.json has more blocks than the tensors, before a network of that size is built."""
    patterns = [re.escape(name).replace(r"\{i\}", r"(\d+)") for name in mapping.layers.values() if "{i}" in name]
    pattern = re.compile(rf"(?:{'|'.join(patterns)})\b.*".replace(r"\[0/3\]", ""))
    numbers = [int(next(filter(None, match.groups()))) for name in tensors if (match := pattern.match(name))]
    depth, blocks = getattr(architecture, "depth", 0), max(numbers, default=-1) + 1
    if depth > blocks:
        key = mapping.keys["depth"]
        raise UserError(
            f"Expected {key} of at most {blocks} in {folder}/config.json, as many blocks as the tensors have. "
            f"Received: {key}={depth}."
        )
