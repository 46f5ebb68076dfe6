"""Import a folder of Hugging Face transformers or of sentence-transformers as a pipeline."""

from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.architectures import Architecture
from zoo.checkpoints.folder_settings import Setting, config_settings, generation_settings
from zoo.checkpoints.generation_defaults import GenerationDefaults, read_generation_defaults
from zoo.checkpoints.hf_config import mapping_of, read_config, read_folder, read_head
from zoo.checkpoints.loading import build_with_weights
from zoo.checkpoints.published_head import check_class, head_objective, output_rows
from zoo.checkpoints.sentence_transformers import is_sentence_transformer, read_embedder, read_length
from zoo.checkpoints.weight_map import read_tensors
from zoo.objectives import Generates, Objective, build_model
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset, Training
from zoo.runtime.errors import UserError
from zoo.tokenizers.pretrained import Pretrained

CLASSES = {"classify_text": "logits", "tag_tokens": "tags"}  # objective with classes -> its output layer
LENGTH = 512  # ids of an example at most, where the folder has no limit of its own
WINDOW = 4096  # ids that a causal model reads at once to score a text, however many it could read


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
    mapping, head = mapping_of(type(architecture)), _head(folder, config)
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


def _head(folder, config):
    """The head of a folder that has an objective here, or None; sentence-transformers reads no head."""
    head = None if is_sentence_transformer(folder) else read_head(config)
    return head if head and head.objective else None


def _with_defaults(objective: Any, generates: GenerationDefaults) -> Objective:
    """A generating objective with the generation defaults of a folder."""
    start = {"decoder_start": generates.decoder_start} if generates.decoder_start else {}
    return replace(objective, generation=generates.parameters, **start)


def read_objective(
    folder: Path, config: dict[str, Any], architecture: Architecture, pair: bool | None = None
) -> Objective:
    """The objective of a folder's head, or one that suits an architecture without a head."""
    mapping, head = mapping_of(type(architecture)), _head(folder, config)
    if head:
        rows = output_rows(mapping, head, read_tensors(folder, mapping))
        if not rows and (layer := CLASSES.get(head.objective)):
            raise UserError(f"Expected the weights of {layer} in {folder}. Received: none.")
        name, settings = head_objective(config, head, rows, pair)
    elif pair is not None:
        raise UserError(
            f"Expected a head that classifies texts in {folder}, for pairs of them. Received: none (--pair)."
        )
    elif architecture.causal and architecture.tied and not is_sentence_transformer(folder):
        name, settings = "next_token", {}
    else:
        name, settings = "embed_text", read_embedder(folder)
    if name == "tag_tokens":  # tags may be IOB1, where an I- begins a span: no rules for what was not trained here
        settings["valid_only"] = False
    cls, length = catalog.load("objectives", name), _length(folder, architecture)
    lengths = {field.name: length for field in fields(cls) if field.name in ("length", "target_length")}
    return cls(**lengths, **settings)


def _length(folder, architecture):
    length = read_length(folder) or LENGTH
    length = min(length, WINDOW) if architecture.causal else length
    return min(length, getattr(architecture, "length", length))  # without learned positions: any length
