"""Import a folder of Hugging Face transformers or of sentence-transformers as a pipeline."""

import json
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.architectures import Architecture
from zoo.checkpoints.folder_settings import Setting, config_settings, generation_settings
from zoo.checkpoints.generation_defaults import GenerationDefaults, read_generation_defaults
from zoo.checkpoints.hf_config import mapping_of, read_config, read_folder, read_head
from zoo.checkpoints.hf_export import POOLINGS
from zoo.checkpoints.loading import build_with_weights
from zoo.checkpoints.published_head import check_class, head_objective, output_rows
from zoo.checkpoints.weight_map import read_tensors
from zoo.objectives import Generates, Objective, build_model
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset, Training
from zoo.runtime.errors import UserError
from zoo.tokenizers.pretrained import Pretrained

CLASSES = {"classify_text": "logits", "tag_tokens": "tags"}  # objective with classes -> its output layer
LENGTH = 512  # ids of an example at most, where the folder has no limit of its own


@dataclass(frozen=True)
class Imported:
    """An imported folder: its pipeline, its settings, and a sentence about a head that is left out ("" for none)."""

    pipeline: Pipeline
    settings: list[Setting]
    note: str = ""


def import_folder(folder: str | Path, pair: bool | None = None) -> Pipeline:
    """The `Pipeline` of a folder with config.json, model.safetensors and a tokenizer's files.

    The objective is that of the folder's head. Without a head, it is next_token where the architecture is causal with
    tied embeddings; else embed_text, with the pooling of sentence-transformers' files.

    Args:
        pair: whether a classifier reads pairs of texts, which its files do not tell; None: only where it has one
            output.

    Raises UserError, naming the file, where a file is missing or damaged, or files do not fit together.
    """
    return read_published(folder, pair).pipeline


def read_published(folder: str | Path, pair: bool | None = None) -> Imported:
    """Import a folder as `import_folder` does, with what became of each of its settings."""
    folder = Path(folder)
    config = read_config(folder)
    architecture, tokenizer = read_folder(folder)
    mapping, head = mapping_of(type(architecture)), read_head(config)
    head = head if head and head.objective else None
    note = "" if head else check_class(config, architecture, mapping)
    objective = read_objective(folder, config, architecture, pair).preparation(architecture).objective
    generates = None
    if isinstance(objective, Generates):
        generates = read_generation_defaults(folder, config, tokenizer, "source" in architecture.inputs())
        objective = _with_defaults(objective, generates)
    settings = config_settings(config, mapping, head, generates) + (generation_settings(generates) if generates else [])
    model, report = build_with_weights(partial(build_model, objective, architecture), folder)
    if report.new:
        raise UserError(f"Expected the weights of {report.new[0].rpartition('/')[0]} in {folder}. Received: none.")
    training = Training(init=str(folder.absolute()))
    preset = Preset(
        architecture=architecture, objective=objective, tokenizer=Pretrained(folder=training.init), training=training
    )
    return Imported(Pipeline(model, preset, tokenizer), settings, note)


def _with_defaults(objective: Any, generates: GenerationDefaults) -> Objective:
    """A generating objective with the generation defaults of a folder."""
    start = {"decoder_start": generates.decoder_start} if generates.decoder_start else {}
    return replace(objective, generation=generates.parameters, **start)


def read_objective(
    folder: Path, config: dict[str, Any], architecture: Architecture, pair: bool | None = None
) -> Objective:
    """The objective of a folder's head, or one that suits an architecture without a head."""
    mapping, head = mapping_of(type(architecture)), read_head(config)
    if head and head.objective:
        rows = output_rows(mapping, head, read_tensors(folder, mapping))
        if not rows and (layer := CLASSES.get(head.objective)):
            raise UserError(f"Expected the weights of {layer} in {folder}. Received: none.")
        name, settings = head_objective(config, head, rows, pair)
    elif pair is not None:
        raise UserError(
            f"Expected a head that classifies texts in {folder}, for pairs of them. Received: none (--pair)."
        )
    elif architecture.causal and architecture.tied:
        name, settings = "next_token", {}
    else:
        name, settings = "embed_text", {"pooling": read_pooling(folder)}
    cls, length = catalog.load("objectives", name), _length(folder, architecture)
    lengths = {field.name: length for field in fields(cls) if field.name in ("length", "target_length")}
    return cls(**lengths, **settings)


def _length(folder, architecture):
    length = _read_json(folder / "sentence_bert_config.json").get("max_seq_length") or LENGTH
    return min(length, getattr(architecture, "length", length))  # without learned positions: any length


def read_pooling(folder: Path) -> str | None:
    """The pooling of sentence-transformers, None without its files. Raises UserError for one that the zoo lacks."""
    modules = [module.get("type", "").rpartition(".")[2] for module in _read_json(folder / "modules.json") or ()]
    if unknown := set(modules) - {"Transformer", "Pooling", "Normalize"}:
        raise UserError(f"Expected pooling, perhaps normalised, in {folder}/modules.json. Received: {unknown.pop()}.")
    settings = _read_json(folder / "1_Pooling" / "config.json")
    names = {f"pooling_mode_{mode}": name for name, mode in POOLINGS.items()}
    modes = [name for name, on in settings.items() if name.startswith("pooling_mode_") and on is True]
    if len(modes) > 1 or set(modes) - set(names):
        raise UserError(f"Expected one of {', '.join(names)} in {folder}/1_Pooling. Received: {' and '.join(modes)}.")
    return names[modes[0]] if modes else None


def _read_json(path):
    """The JSON in a file; an empty dict where the file is missing."""
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"Expected JSON in {path}. Received: a damaged file ({error}).") from None
