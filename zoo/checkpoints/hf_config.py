"""Read config.json and the tokenizer of a Hugging Face folder: its architecture and its head."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.architectures import Architecture
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.checkpoints.output_layer import check_depth, with_output_layer
from zoo.checkpoints.quantized import check_not_quantized
from zoo.checkpoints.weight_map import read_tensors
from zoo.runtime.errors import UserError, shorten, unknown
from zoo.text.tokenizer import Tokenizer


def read_config(folder: str | Path) -> dict[str, Any]:
    """The config.json of a folder. Raises UserError where it is missing or damaged, or says that weights are quantised.

    `architectures` is a list of names, or missing.
    """
    path = Path(folder) / "config.json"
    if not path.is_file():
        received = "a folder without one" if path.parent.is_dir() else "no such folder"
        raise UserError(f"Expected config.json in {folder}. Received: {received}.")
    config = read_json(path)
    classes = config.get("architectures") or []
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UserError(f"Expected a list of class names as architectures in {path}. Received: {shorten(classes)}.")
    check_not_quantized(config, path)
    return config


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises UserError where it is damaged or another value."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:150]
        raise UserError(f"Expected a {path.name}. Received: {path}, which is damaged ({reason}).") from None
    if not isinstance(value, dict):
        raise UserError(f"Expected an object in {path}. Received: {type(value).__name__}.")
    return value


def read_tokenizer(folder: Path, architecture: Architecture) -> Tokenizer:
    """The tokenizer of a folder. Raises UserError where its vocabulary is larger than the architecture's."""
    tokenizer = Tokenizer.load(folder)
    if tokenizer.vocabulary_size > architecture.vocabulary:
        raise UserError(
            f"Expected a tokenizer of at most {architecture.vocabulary} ids in {folder}, as many as the network has "
            f"embeddings. Received: {tokenizer.vocabulary_size}."
        )
    return tokenizer


def architecture_class(config: Mapping[str, Any]) -> type[Architecture]:
    """The architecture class of a config.json. Raises UserError for a `model_type` that no architecture has."""
    classes = (catalog.load("architectures", name) for name in catalog.names("architectures"))
    by_type = {cls.huggingface.model_type: cls for cls in classes if cls.huggingface}
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in by_type:
        raise UserError(unknown("model_type in config.json", model_type, sorted(by_type)))
    return by_type[model_type]


def mapping_of(architecture: type[Architecture]) -> HuggingFaceMapping:
    """The mapping between an architecture and transformers. Raises UserError where it has none."""
    if architecture.huggingface is None:
        raise UserError(f"Expected an architecture of transformers. Received: {architecture.__name__}.")
    return architecture.huggingface


def read_architecture(config: Mapping[str, Any]) -> Architecture:
    """The architecture of a config.json. Raises UserError for settings that the architecture does not support."""
    cls = architecture_class(config)
    return mapping_of(cls).from_config(cls, config)


def read_folder(folder: Path) -> tuple[Architecture, Tokenizer]:
    """`(architecture, tokenizer)` of a folder: the architecture of config.json, as the tensors bear it out.

    Whether the output layer is tied is seen by its tensor, and padding is that of the tokenizer.

    Raises UserError where config.json, tokenizer and tensors do not fit together.
    """
    config = read_config(folder)
    architecture = read_architecture(config)
    mapping = mapping_of(type(architecture))
    tensors = read_tensors(folder, mapping)
    check_depth(architecture, mapping, tensors, folder)
    tokenizer = read_tokenizer(folder, architecture)
    architecture = with_output_layer(architecture, mapping, tensors)
    return replace(architecture, padding=tokenizer.padding), tokenizer


def read_head(config: Mapping[str, Any]) -> HeadMapping | None:
    """The head of a config.json; None without a head, or for a head that no objective of the zoo has."""
    return mapping_of(architecture_class(config)).heads.get(class_of(config))


def class_of(config: Mapping[str, Any]) -> str:
    """The class of transformers that a config.json names; "" where it names none."""
    return next(iter(config.get("architectures") or [""]))
