"""Saving and loading of model folders: model.keras, preset.json, tokenizer.json and scores.json."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from zoo import config
from zoo.layers.quantization import WEIGHT_TYPES, quantize_weights
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError, did_you_mean, one_of, single_line
from zoo.runtime.files import write_text
from zoo.text.tokenizer import Tokenizer

FILES = ("preset.json", "tokenizer.json", "model.keras")


def save(pipeline: Pipeline, folder: str | Path) -> None:
    """Write model, preset, tokenizer and scores into an existing folder.

    Raises UserError for a pipeline with quantized weights.
    """
    pipeline.check_weight_type()
    folder, model = Path(folder), pipeline.model
    with silence():  # Keras imports TensorFlow for it, where there is one
        keras.Model(model.input, model.output).save(folder / "model.keras")  # without the optimizer
    pipeline.tokenizer.save(folder / "tokenizer.json")
    write_text(folder / "preset.json", config.to_json(pipeline.preset))
    write_text(folder / "scores.json", json.dumps(pipeline.scores, indent=2) + "\n")


def load(folder: str | Path, quantize: str = "float32") -> Pipeline:
    """The pipeline in a folder that a training run left.

    Args:
        folder: the model folder.
        quantize: weight-only quantization of dense layers and embeddings: "bfloat16" takes half, "int8" a quarter of
            the memory of "float32", and less time on torch, see `zoo.layers.quantization`. A quantized pipeline
            predicts, generates and evaluates, but is neither saved nor exported.

    Raises UserError, naming the file, where a file is missing, truncated or of another version.
    """
    folder, quantize = Path(folder), one_of("quantize", quantize, WEIGHT_TYPES)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(_not_a_model(folder, missing))
    preset = _read(folder / "preset.json", _load_preset, advice="")  # its errors say what to do
    tokenizer = _read(folder / "tokenizer.json", Tokenizer.load)
    model = _read(folder / "model.keras", _load_model)
    vectors, size = preset.architecture.vocabulary, tokenizer.vocabulary_size
    if size > vectors or (size < vectors and not preset.training.init):  # published networks have spare vectors
        raise UserError(f"The files in {folder} are of different models: copy the whole folder again.")
    path = folder / "scores.json"
    scores = _read(path, lambda path: json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    if quantize != "float32":
        quantize_weights(model, quantize)
    return Pipeline(model, preset, tokenizer, scores, quantize)


def _read(
    path: Path, read: Callable[[Path], Any], advice: str = " Train again, or copy the whole folder again."
) -> Any:
    try:
        return read(path)
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = single_line(str(error))[:300]
        raise UserError(f"{path} cannot be read: {reason}{advice}") from error


def _load_preset(path):
    return config.from_json(path.read_text(encoding="utf-8"))


def _load_model(path):
    if not zipfile.is_zipfile(path):  # its table of contents stands at the end
        raise UserError("Expected a complete Keras file. Received: a truncated or damaged one.")
    with silence():
        return keras.saving.load_model(path, compile=False)


def _not_a_model(folder, missing):
    """Why a folder is no model folder, with the nearest model beside it."""
    path = folder.absolute()
    unfinished = path.with_name(f"{path.name}.running").is_dir()
    hint = " Its run did not end: finish it by zoo train ... --resume." if unfinished else ""
    if folder.is_dir():
        return f"Expected {', '.join(FILES)} in {folder}. Received: a folder without {', '.join(missing)}.{hint}"
    reason = "is a file" if folder.exists() else "does not exist"
    near = sorted(model.parent.name for model in path.parent.glob("*/preset.json") if model.parent.suffix != ".running")
    models = f"{did_you_mean(path.name, near)} Models beside it: {', '.join(near)}." if near else ""
    return f"Expected a folder that zoo train wrote. Received: {folder}, which {reason}.{hint or models}"
