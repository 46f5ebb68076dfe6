"""A pipeline as a folder that Hugging Face transformers reads, and where it embeds texts sentence-transformers too."""

import json
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file

from zoo import catalog
from zoo.checkpoints.safetensors import SINGLE
from zoo.checkpoints.weight_map import WeightMap, head_layers, plain
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, check_new, write_text

POOLINGS = {"first": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "last": "lasttoken"}


def write_huggingface(pipeline, folder):
    """Write config.json, model.safetensors and the tokenizer's files into a new folder.

    Returns the folder. Raises UserError where it exists, or transformers has no class that gives the same.
    """
    folder = Path(folder)
    check_new(folder, "export to")
    architecture, huggingface = pipeline.preset.architecture, pipeline.preset.architecture.huggingface
    if huggingface is None:
        raise UserError(f"Expected an architecture that transformers has. Received: {type(architecture).__name__}.")
    name, head = _class_of(pipeline)
    arrays = {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in pipeline.model.weights}
    tensors = tensors_of(arrays, huggingface, head)
    with atomic_folder(folder) as partial:
        save_file(tensors, partial / SINGLE, metadata={"format": "pt"})
        _write_json(partial / "config.json", _config(pipeline, name))
        pipeline.tokenizer.save(partial)
        _write_json(partial / "tokenizer_config.json", _tokenizer_config(pipeline))
        if head is None:
            _write_sentence_transformers(partial, pipeline)
    return folder


def _class_of(pipeline):
    """(name of the class, its `HeadMapping` or None) that gives what the pipeline's objective gives."""
    architecture, objective = pipeline.preset.architecture, pipeline.objective
    huggingface, wanted = architecture.huggingface, catalog.name_of("objectives", objective)
    if wanted == "embed_text":
        return huggingface.class_name, None
    heads = {name: head for name, head in huggingface.heads.items() if head.objective == wanted}
    for name, head in heads.items():
        if all(_setting(objective, architecture, field) == value for field, value in head.settings.items()):
            return name, head
    known = "; ".join(f"{name} has {head.settings}" for name, head in heads.items()) or "none does this"
    raise UserError(f"Expected an objective that a class of transformers has ({known}). Received: {objective!r:.200}.")


def _setting(objective, architecture, field):
    value = getattr(objective, field)
    return architecture.pooling if field == "pooling" and value is None else value


def tensors_of(arrays, huggingface, head):
    """{name of a tensor: array} of a network's weights, {path: array}.

    Raises UserError where one has no place there.
    """
    backbone = WeightMap(huggingface.layers, huggingface.prefix if head else "", huggingface.transposed)
    table, parts = WeightMap(head_layers(huggingface, head)), {}
    for path, array in arrays.items():
        source = backbone.source(path) or table.source(path)
        if source is None and array.any():
            raise UserError(f"Expected weights that transformers has. Received: {path}, which it has not.")
        for name, part, numbers in source.write(array) if source else ():
            parts.setdefault(name if head else plain(name, huggingface), {})[part] = numbers
    whole = {name: np.concatenate([found[i] for i in sorted(found)], -1) for name, found in parts.items()}
    return {name: np.ascontiguousarray(array) for name, array in whole.items()}


def _config(pipeline, name):
    architecture, objective, tokenizer = pipeline.preset.architecture, pipeline.objective, pipeline.tokenizer
    ends = {"bos_token_id": tokenizer.start, "eos_token_id": tokenizer.end}
    config = {"architectures": [name], "dtype": "float32", **ends, "pad_token_id": tokenizer.padding}
    config |= architecture.huggingface.to_config(architecture)
    labels = getattr(objective, "labels", ()) or getattr(objective, "tags", ())
    if labels:
        config |= {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    if getattr(objective, "multi_label", False):
        config["problem_type"] = "multi_label_classification"
    return config


def _tokenizer_config(pipeline):
    tokenizer, inputs = pipeline.tokenizer, pipeline.preset.architecture.inputs()
    ids = {"pad_token": tokenizer.padding, "unk_token": tokenizer.unknown, "cls_token": tokenizer.start}
    ids |= {"sep_token": tokenizer.end, "mask_token": tokenizer.mask}
    theirs = ["input_ids", *(["token_type_ids"] if "segments" in inputs else []), "attention_mask"]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": pipeline.objective.length,
        "model_input_names": theirs,
        **{name: tokenizer.token(i) for name, i in ids.items() if i is not None},
    }


def _write_sentence_transformers(folder, pipeline):
    """Modules that pool and normalise as embed_text does."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds.items())
    ]
    pooling = _setting(pipeline.objective, pipeline.preset.architecture, "pooling")
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    _write_json(folder / "modules.json", modules)
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": pipeline.objective.length})
    modes = {f"pooling_mode_{theirs}": ours == pooling for ours, theirs in POOLINGS.items()}
    width = pipeline.model.output.shape[-1]
    _write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **modes})


def _write_json(path, value):
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
