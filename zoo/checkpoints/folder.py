"""A folder of Hugging Face transformers, or of sentence-transformers, as a pipeline of the zoo."""

import json
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from zoo import catalog
from zoo.checkpoints.hf_config import read_architecture, read_config, read_head
from zoo.checkpoints.hf_export import POOLINGS
from zoo.checkpoints.loading import build_with_weights
from zoo.checkpoints.resolve import resolve
from zoo.data import span_schemes
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset, Training
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, check_new
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.pretrained import Pretrained

LONGEST = 512  # ids in an example, where the folder allows for more


def import_model(name, to=None, adapter=None):
    """Write a model folder of published weights, so that `zoo.load` reads them; returns it.

    Args:
        name: a folder of transformers, sentence-transformers or KerasHub, or `hf:OWNER/NAME`, or `keras:PRESET`.
        to: the model's folder; default `saved_models/<the folder's name>`.
        adapter: one that was learned upon it, to be merged: see `zoo.merge`.
    """
    to = Path(to or Path("saved_models") / str(name).rstrip("/").replace(":", "/").rpartition("/")[2])
    check_new(to, "save the model in")
    imported = _merged(name, adapter) if adapter else import_folder(resolve(name))
    with atomic_folder(to) as partial_folder:
        imported.write(partial_folder)
    return to


def _merged(name, adapter):
    from zoo.adapters.merging import merge

    return merge(name, adapter)


def import_folder(folder):
    """The `Pipeline` of a folder with config.json, model.safetensors and a tokenizer's files.

    Its objective is that of the folder's head; without one, next_token where the network can, else embed_text, pooled
    as sentence-transformers' files say. Raises UserError, naming the file, for whatever does not fit.
    """
    folder = Path(folder)
    config = read_config(folder)
    architecture = read_architecture(config)
    tokenizer = read_tokenizer(folder, architecture)
    architecture = replace(architecture, padding=tokenizer.padding)  # which some configurations leave open
    objective = read_objective(folder, config, architecture).suit(architecture)
    model, loaded = build_with_weights(partial(objective.model, architecture), folder)
    if loaded.fresh:
        raise UserError(f"Expected the weights of {loaded.fresh[0].rpartition('/')[0]} in {folder}. Received: none.")
    start = Training(init=str(folder.absolute()))
    preset = Preset(
        architecture=architecture, objective=objective, tokenizer=Pretrained(folder=start.weights), training=start
    )
    return Pipeline(model, preset, tokenizer)


def read_tokenizer(folder, architecture):
    """The folder's tokenizer. Raises UserError where it has ids that the network has no vector for."""
    tokenizer = Tokenizer.load(folder)
    if tokenizer.vocabulary_size > architecture.vocabulary:
        raise UserError(
            f"Expected a tokenizer of at most {architecture.vocabulary} ids in {folder}, as many as the network has "
            f"vectors. Received: {tokenizer.vocabulary_size}."
        )
    return tokenizer


def read_objective(folder, config, architecture):
    """The objective that a folder was made for."""
    head = read_head(config)
    if head and head.objective:
        name, settings = head.objective, head.settings | _labels(head.objective, config)
    elif architecture.causal and architecture.tied:
        name, settings = "next_token", {}
    else:
        name, settings = "embed_text", {"pooling": _pooling(folder)}
    make, length = catalog.load("objectives", name), _length(folder, architecture)
    lengths = {field.name: length for field in fields(make) if field.name in ("length", "target_length")}
    return make(**lengths, **settings)


def _labels(objective, config):
    """Fields of an objective, by its name, that say what its outputs mean."""
    named = config.get("id2label") or {}
    labels = tuple(named[number] for number in sorted(named, key=int))
    if objective == "tag_tokens":
        return {"tags": labels, "scheme": span_schemes.detect([label] for label in labels)}
    multi_label = config.get("problem_type") == "multi_label_classification"
    return {"labels": labels, "multi_label": multi_label} if objective == "classify_text" else {}


def _length(folder, architecture):
    said = _settings(folder / "sentence_bert_config.json").get("max_seq_length") or LONGEST
    return min(said, getattr(architecture, "length", said))  # without a table of positions any length will do


def _pooling(folder):
    """How sentence-transformers pools. Raises UserError for a way that is not known here."""
    kinds = [module.get("type", "").rpartition(".")[2] for module in _settings(folder / "modules.json") or ()]
    if strange := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
        raise UserError(f"Expected pooling, perhaps normalised, in {folder}/modules.json. Received: {strange.pop()}.")
    settings = _settings(folder / "1_Pooling" / "config.json")
    names = {f"pooling_mode_{theirs}": ours for ours, theirs in POOLINGS.items()}
    wanted = [name for name, on in settings.items() if name.startswith("pooling_mode_") and on is True]
    if len(wanted) > 1 or set(wanted) - set(names):
        raise UserError(f"Expected one of {', '.join(names)} in {folder}/1_Pooling. Received: {' and '.join(wanted)}.")
    return names[wanted[0]] if wanted else None


def _settings(path):
    """The JSON in a file; nothing where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"Expected JSON in {path}. Received: a damaged file ({error}).") from None
