"""Export a pipeline to Hugging Face: a folder for transformers, and for sentence-transformers where it embeds texts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save_file

from zoo import catalog
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.checkpoints.generation_defaults import to_generation_config
from zoo.checkpoints.hf_config import read_json
from zoo.checkpoints.hf_tokenizer import generation_config, tokenizer_config
from zoo.checkpoints.safetensors import SINGLE
from zoo.checkpoints.weight_map import WeightMap, canonical_name, head_layers
from zoo.objectives.score_pair import ScorePair
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, check_new, write_text
from zoo.text.tokenizer_settings import CONFIG

POOLINGS = {"first": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "last": "lasttoken"}


def write_huggingface(pipeline: Pipeline, folder: str | Path) -> Path:
    """Export to Hugging Face: write config.json, model.safetensors and the tokenizer's files into a new folder.

    Returns the folder. Raises UserError where it exists, or transformers has no class with the same outputs.
    """
    folder = Path(folder)
    check_new(folder, "export to")
    architecture = pipeline.preset.architecture
    if architecture.huggingface is None:
        raise UserError(f"Expected an architecture that transformers has. Received: {type(architecture).__name__}.")
    name, head = _class_of(pipeline)
    arrays = {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in pipeline.model.weights}
    arrays = _with_scale(arrays, pipeline.objective)
    tensors = tensors_of(arrays, architecture.huggingface, head)
    with atomic_folder(folder) as partial:
        save_file(tensors, partial / SINGLE, metadata={"format": "pt"})
        config = _config(pipeline, name)
        _write_json(partial / "config.json", config)
        pipeline.tokenizer.save(partial)
        _write_json(partial / CONFIG, tokenizer_config(pipeline))
        if generation := generation_config(pipeline.tokenizer, config):
            _write_json(partial / "generation_config.json", generation)
        if head is None:
            _write_sentence_transformers(partial, pipeline)
        _write_generation_defaults(partial, pipeline)
    return folder


def _write_generation_defaults(folder, pipeline):
    """Write, or complete, generation_config.json where the model has generation defaults."""
    path, config = folder / "generation_config.json", read_json(folder / "config.json")
    if values := to_generation_config(pipeline.objective, config, pipeline.tokenizer):
        _write_json(path, values | (read_json(path) if path.is_file() else {}))


def _class_of(pipeline):
    """`(name, head)` of the class of transformers with the outputs of the pipeline's objective; `head` may be None."""
    architecture, objective = pipeline.preset.architecture, pipeline.objective
    mapping, task = architecture.huggingface, catalog.name_of("objectives", objective)
    if task == "embed_text":
        return mapping.class_name, None
    task = "classify_text" if task == "score_pair" else task  # one output in place of classes
    heads = {name: head for name, head in mapping.heads.items() if head.objective == task}
    for name, head in heads.items():
        if all(_setting(objective, architecture, field) == value for field, value in head.settings.items()):
            return name, head
    classes = "; ".join(f"{name} has {head.settings}" for name, head in heads.items()) or "none does this"
    raise UserError(
        f"Expected an objective that a class of transformers has ({classes}). Received: {objective!r:.200}."
    )


def _with_scale(arrays, objective):
    """The weights with the scale of the training labels in those of the output layer, where a score has one."""
    if not isinstance(objective, ScorePair) or (objective.std, objective.mean) in ((0.0, 0.0), (1.0, 0.0)):
        return arrays
    std, mean = objective.std or 1.0, objective.mean
    kernel, bias = arrays["score/kernel"] * std, arrays["score/bias"] * std + mean
    return arrays | {"score/kernel": kernel.astype("float32"), "score/bias": bias.astype("float32")}


def _setting(objective, architecture, field):
    """A field of an objective; where its pooling is None, the architecture's."""
    value = getattr(objective, field)
    return architecture.pooling if field == "pooling" and value is None else value


def tensors_of(
    arrays: Mapping[str, np.ndarray], mapping: HuggingFaceMapping, head: HeadMapping | None
) -> dict[str, np.ndarray]:
    """State dict of transformers, {name: array}, of a network's weights, {path: array}.

    Raises UserError for a weight that transformers does not have.
    """
    prefix = mapping.prefix if head and head.prefix is None else head.prefix if head else ""
    backbone_map = WeightMap(mapping.layers, prefix or "", mapping.transposed)
    head_map = WeightMap(head_layers(mapping, head))
    parts: dict[str, dict[int, np.ndarray]] = {}  # {name: {index of the part: array}}
    for path, array in arrays.items():
        source = backbone_map.source(path) or head_map.source(path)
        if source is None and array.any():
            raise UserError(f"Expected weights that transformers has. Received: {path}, which it lacks.")
        for name, index, values in source.split(array) if source else ():
            parts.setdefault(name if head else canonical_name(name, mapping), {})[index] = values
    tensors = {name: np.concatenate([by_index[i] for i in sorted(by_index)], -1) for name, by_index in parts.items()}
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _config(pipeline, name):
    architecture, objective, tokenizer = pipeline.preset.architecture, pipeline.objective, pipeline.tokenizer
    special_ids = {"bos_token_id": tokenizer.start, "eos_token_id": tokenizer.end, "pad_token_id": tokenizer.padding}
    config = {"architectures": [name], "dtype": "float32", **special_ids}
    config |= architecture.huggingface.to_config(architecture)
    if architecture.causal and tokenizer.settings:  # zoo pads with any id where there is no padding token
        config |= {"eos_token_id": tokenizer.end, "pad_token_id": tokenizer.pad}
    labels = getattr(objective, "labels", ()) or getattr(objective, "tags", ())
    if labels:
        config |= {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    if getattr(objective, "multi_label", False):
        config["problem_type"] = "multi_label_classification"
    return config | _one_output(objective) | _decoder_start(pipeline)


def _one_output(objective):
    """The keys of config.json for a number in place of classes: without a sigmoid it is a regression."""
    if not isinstance(objective, ScorePair):
        return {}
    return {"num_labels": 1, "id2label": {0: "LABEL_0"}} | (
        {} if objective.activation else {"problem_type": "regression"}
    )


def _decoder_start(pipeline):
    """The key of config.json for the id that a decoder starts with."""
    objective: Any = pipeline.objective
    start = getattr(objective, "decoder_start_id", None)
    if start is None and "source" in pipeline.model.input:
        start = int(objective.start_and_end(pipeline.tokenizer)[0][0])
    end = getattr(objective, "pooled_id", None)
    ids = {"decoder_start_token_id": start, "eos_token_id": end}
    return {key: id for key, id in ids.items() if id is not None}


def _write_sentence_transformers(folder, pipeline):
    """Write the module files of sentence-transformers: pooling and L2 normalisation, as in embed_text."""
    types = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (path, name) in enumerate(types.items())
    ]
    pooling = _setting(pipeline.objective, pipeline.preset.architecture, "pooling")
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    _write_json(folder / "modules.json", modules)
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": pipeline.objective.length})
    if prompt := pipeline.objective.prompt:
        prompts = {"prompts": {"text": prompt}, "default_prompt_name": "text"}
        _write_json(folder / "config_sentence_transformers.json", prompts)
    modes = {f"pooling_mode_{mode}": name == pooling for name, mode in POOLINGS.items()}
    width = pipeline.model.output.shape[-1]
    _write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **modes})


def _write_json(path, value):
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
