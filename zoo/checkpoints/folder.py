"""Import a folder of Hugging Face transformers or of sentence-transformers as a pipeline."""

from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from zoo import catalog
from zoo.architectures import Architecture
from zoo.checkpoints.hf_config import read_architecture, read_config, read_head, read_tokenizer
from zoo.checkpoints.loading import build_with_weights
from zoo.checkpoints.sentence_transformers import is_sentence_transformer, read_embedder, read_length
from zoo.data import span_schemes
from zoo.objectives import Objective, build_model
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset, Training
from zoo.runtime.errors import UserError
from zoo.tokenizers.pretrained import Pretrained

LENGTH = 512  # ids of an example at most, where the folder has no limit of its own
WINDOW = 4096  # ids that a causal model reads at once to score a text, however many it could read


def import_folder(folder: str | Path) -> Pipeline:
    """The `Pipeline` of a folder with config.json, model.safetensors and a tokenizer's files.

    The objective is that of the folder's head. Without a head, it is next_token where the architecture is causal with
    tied embeddings; else embed_text, with the pooling of sentence-transformers' files.

    Raises UserError, naming the file, where a file is missing or damaged, or files do not fit together.
    """
    folder = Path(folder)
    config = read_config(folder)
    architecture = read_architecture(config)
    tokenizer = read_tokenizer(folder, architecture)
    architecture = replace(architecture, padding=tokenizer.padding)  # some config.json files have none
    objective = read_objective(folder, config, architecture).preparation(architecture).objective
    model, report = build_with_weights(partial(build_model, objective, architecture), folder)
    if report.new:
        raise UserError(f"Expected the weights of {report.new[0].rpartition('/')[0]} in {folder}. Received: none.")
    training = Training(init=str(folder.absolute()))
    preset = Preset(
        architecture=architecture, objective=objective, tokenizer=Pretrained(folder=training.init), training=training
    )
    return Pipeline(model, preset, tokenizer)


def read_objective(folder: Path, config: dict[str, Any], architecture: Architecture) -> Objective:
    """The objective of a folder's head, or one that suits an architecture without a head."""
    head = None if is_sentence_transformer(folder) else read_head(config)
    if head and head.objective:
        name, settings = head.objective, head.settings | _labels(head.objective, config)
    elif architecture.causal and architecture.tied and not is_sentence_transformer(folder):
        name, settings = "next_token", {}
    else:
        name, settings = "embed_text", read_embedder(folder)
    if name == "tag_tokens":  # tags may be IOB1, where an I- begins a span: no rules for what was not trained here
        settings["valid_only"] = False
    cls, length = catalog.load("objectives", name), _length(folder, architecture)
    lengths = {field.name: length for field in fields(cls) if field.name in ("length", "target_length")}
    return cls(**lengths, **settings)


def _labels(objective, config):
    """The fields of an objective, by its name, that hold the names of its classes."""
    names = config.get("id2label") or {}
    labels = tuple(names[number] for number in sorted(names, key=int))
    if objective == "tag_tokens":
        return {"tags": labels, "scheme": span_schemes.detect([label] for label in labels)}
    multi_label = config.get("problem_type") == "multi_label_classification"
    return {"labels": labels, "multi_label": multi_label} if objective == "classify_text" else {}


def _length(folder, architecture):
    length = read_length(folder) or LENGTH
    length = min(length, WINDOW) if architecture.causal else length
    return min(length, getattr(architecture, "length", length))  # without learned positions: any length
