"""Read config.json and the tokenizer of a Hugging Face folder: its architecture and its head."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.architectures import Architecture
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.runtime.errors import UserError, unknown
from zoo.text.tokenizer import Tokenizer


def read_config(folder: str | Path) -> dict[str, Any]:
    """The config.json of a folder. Raises UserError where it is missing or damaged."""
    path = Path(folder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        received = "a folder without one" if path.parent.is_dir() else "no such folder"
        raise UserError(f"Expected config.json in {folder}. Received: {received}.") from None
    except ValueError as error:
        raise UserError(f"Expected a config.json. Received: {path}, which is damaged ({error}).") from None
    if not isinstance(config, dict):
        raise UserError(f"Expected an object in {path}. Received: {type(config).__name__}.")
    return config


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
    if model_type not in by_type:
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


def read_head(config: Mapping[str, Any]) -> HeadMapping | None:
    """The head of a config.json; None without a head, or for a head that no objective of the zoo has."""
    names = config.get("architectures") or [""]
    return mapping_of(architecture_class(config)).heads.get(names[0])
