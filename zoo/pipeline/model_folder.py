"""Load the pipeline of a model folder: model.keras, preset.json, tokenizer.json, scores.json and baselines.json."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import config
from zoo.backend.keras_private import without_tensorflow
from zoo.data.training_rows import no_rows
from zoo.layers.quantization import WEIGHT_TYPES, quantize_weights
from zoo.pipeline.pipeline import TRAINING_ROWS, Pipeline
from zoo.pipeline.score_comparison import ScoreComparison
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError, did_you_mean, one_of, single_line
from zoo.text.tokenizer import Tokenizer

FILES = ("preset.json", "tokenizer.json", "model.keras")


def load(folder: str | Path, quantize: str = "float32") -> Pipeline:
    """Load the pipeline of a model folder, which a training run wrote.

    Args:
        folder: the model folder.
        quantize: weight-only quantization of dense layers and embeddings: "bfloat16" takes half, "int8" a quarter of
            the memory of "float32", and less time on torch: see `zoo.layers.quantization`. A quantized pipeline
            predicts, generates and evaluates, but cannot be saved or exported.

    >>> pipeline = zoo.load("my_model")
    >>> pipeline.predict("a great film")["label"]
    'good'

    Raises UserError, naming the file, where a file is missing, truncated or of another version.
    """
    folder, quantize = Path(folder), one_of("quantize", quantize, WEIGHT_TYPES)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(_not_a_model(folder, missing))
    preset = _read(folder / "preset.json", _load_preset, advice="")  # its errors say what to do
    tokenizer = _read(folder / "tokenizer.json", Tokenizer.load)
    model = _read(folder / "model.keras", _load_model)
    embeddings, size = preset.architecture.vocabulary, tokenizer.vocabulary_size
    if size > embeddings or (size < embeddings and not preset.training.init):  # checkpoints may have spare embeddings
        raise UserError(f"The files in {folder} are of different models: copy the whole folder again.")
    scores, baselines = _read_json(folder / "scores.json"), _read_comparisons(folder / "baselines.json")
    path = folder / TRAINING_ROWS
    rows = _read(path, np.load) if path.is_file() else no_rows()
    if quantize != "float32":
        quantize_weights(model, quantize)
    return Pipeline(model, preset, tokenizer, scores, quantize, folder, baselines, rows)


def _read_json(path):
    """The content of a JSON file; {} where there is none."""
    return _read(path, lambda path: json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _read_comparisons(path):
    values = _read_json(path)
    return _read(path, lambda _: {split: ScoreComparison.from_json(value) for split, value in values.items()})


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
    if not zipfile.is_zipfile(path):  # the directory of a zip file is at its end, so a truncated file has none
        raise UserError("Expected a complete Keras file. Received: a truncated or damaged one.")
    with silence(), without_tensorflow():
        return keras.saving.load_model(path, compile=False)


def _not_a_model(folder, missing):
    """The error message for a folder that is no model folder; it names the nearest model folder beside it."""
    path = folder.absolute()
    unfinished = path.with_name(f"{path.name}.running").is_dir()
    hint = " Its run did not end: finish it by zoo train ... --resume." if unfinished else ""
    if folder.is_dir():
        return f"Expected {', '.join(FILES)} in {folder}. Received: a folder without {', '.join(missing)}.{hint}"
    reason = "is a file" if folder.exists() else "does not exist"
    folders = (file.parent for file in path.parent.glob("*/preset.json"))
    models = sorted(model.name for model in folders if model.suffix != ".running")
    suggestion = f"{did_you_mean(path.name, models)} Models beside it: {', '.join(models)}." if models else ""
    return f"Expected a folder that zoo train wrote. Received: {folder}, which {reason}.{hint or suggestion}"
