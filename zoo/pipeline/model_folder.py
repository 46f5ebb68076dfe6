"""Load the pipeline of a model folder: model.keras, preset.json, tokenizer.json, scores.json and baselines.json.

Of an exported SavedModel these files, without model.keras, are in `assets.extra/zoo`.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import config
from zoo.data.training_rows import no_rows
from zoo.layers.quantization import WEIGHT_TYPES, quantize_weights
from zoo.pipeline.digests import check_digests
from zoo.pipeline.exported_network import NETWORK, SETTINGS, load_exported_network
from zoo.pipeline.keras_file import load_model
from zoo.pipeline.pipeline import SAVED, TRAINING_ROWS, Pipeline
from zoo.pipeline.score_comparison import ScoreComparison
from zoo.runtime.errors import UserError, did_you_mean, one_of, single_line
from zoo.runtime.json_text import read_object
from zoo.runtime.leftovers import remove_leftovers
from zoo.text.tokenizer import Tokenizer

MODEL, FILES = "model.keras", ("preset.json", "tokenizer.json")
ADVICE = " Train again, or copy the whole folder again."
EXPORT_ADVICE = " Export again, or copy the whole folder again."


def load(folder: str | Path, quantize: str = "float32") -> Pipeline:
    """Load the pipeline of a model folder, which a training run wrote, or of a SavedModel that `export` wrote.

    Args:
        folder: the model folder, or the folder of the SavedModel, whose weights TensorFlow reads.
        quantize: weight-only quantization of dense layers and embeddings: "bfloat16" takes half, "int8" a quarter of
            the memory of "float32", and less time on torch: see `zoo.layers.quantization`. A quantized pipeline
            predicts, generates and evaluates, but cannot be saved or exported.

    >>> pipeline = zoo.load("my_model")
    >>> pipeline.predict("a great film")["label"]
    'good'

    Raises UserError, naming the file, where a file is missing, truncated, of another version, or changed since the
    model was saved, and for a SavedModel where TensorFlow is missing or its weights are not float32.
    """
    folder, quantize = Path(folder), one_of("quantize", quantize, WEIGHT_TYPES)
    if not folder.exists():
        remove_leftovers(folder.parent, folder.name)  # a process was killed while it replaced the folder
    exported = (folder / SETTINGS).is_dir()
    settings = folder / SETTINGS if exported else folder
    missing = [name for name in (*FILES, NETWORK if exported else MODEL) if not (settings / name).is_file()]
    if missing:
        raise UserError(_not_a_model(settings if exported else folder, missing))
    names = tuple(NETWORK if exported and name == MODEL else name for name in SAVED)
    with ThreadPoolExecutor(1) as executor:  # hashing, 0.7 s for BERT, beside the loading, which takes 4 s
        digests = executor.submit(check_digests, settings, names)
        pipeline = _load(folder, settings)
        digests.result()
    if quantize != "float32":
        quantize_weights(pipeline.model, quantize)
    return replace(pipeline, weight_type=quantize)


def _load(folder, settings):
    """The pipeline of a folder whose `FILES` are in the folder `settings`."""
    preset = _read(settings / "preset.json", _load_preset, advice="")  # its errors say what to do
    tokenizer = _read(settings / "tokenizer.json", Tokenizer.load)
    exported = settings != folder
    model = _read(folder, load_exported_network, EXPORT_ADVICE) if exported else _read(folder / MODEL, load_model)
    embeddings, size = preset.architecture.vocabulary, tokenizer.vocabulary_size
    if size > embeddings or (size < embeddings and not preset.training.init):  # checkpoints may have spare embeddings
        raise UserError(f"The files in {folder} are of different models: copy the whole folder again.")
    _check_classes(preset.objective, model, settings)
    scores, baselines = _read_scores(settings / "scores.json"), _read_comparisons(settings / "baselines.json")
    path = settings / TRAINING_ROWS
    rows = _read(path, np.load) if path.is_file() else no_rows()
    return Pipeline(model, preset, tokenizer, scores, folder=folder, baselines=baselines, training_rows=rows)


def _check_classes(objective, model, folder):
    """Raise UserError where the network has another number of outputs than the objective has classes."""
    widths = [output.shape[-1] for output in keras.tree.flatten(model.output)]
    for field in ("labels", "tags"):
        classes = getattr(objective, field, None)
        if classes is not None and len(classes) not in widths:
            expected = " or ".join(map(str, widths))
            raise UserError(
                f"Expected {expected} {field} in {folder}/preset.json, for the outputs of model.keras. "
                f"Received: {len(classes)}.{ADVICE}"
            )


def _read_scores(path) -> dict[str, dict[str, float]]:
    """The scores of each split; {} where there is no file."""
    scores = read_object(path) if path.is_file() else {}
    for split, values in scores.items():
        if not isinstance(values, dict) or not all(type(value) in (int, float) for value in values.values()):
            raise UserError(
                f"{path} cannot be read: Expected numbers by name for {split}. Received: {values!r:.60}.{ADVICE}"
            )
    return scores


def _read_comparisons(path):
    values = read_object(path) if path.is_file() else {}
    return _read(path, lambda _: {split: ScoreComparison.from_json(value) for split, value in values.items()})


def _read(path: Path, read: Callable[[Path], Any], advice: str = ADVICE) -> Any:
    """What `read` returns. Raises UserError, naming the file, for every exception: a file may be damaged in any way."""
    try:
        return read(path)
    except Exception as error:
        known = {RecursionError: "values are nested too deeply", MemoryError: "memory does not suffice"}
        reason = known.get(type(error)) or single_line(str(error))[:300] or type(error).__name__
        raise UserError(f"{path} cannot be read: {reason}{advice}") from error


def _load_preset(path):
    return config.from_json(path.read_text(encoding="utf-8"))


def _not_a_model(folder, missing):
    """The error message for a folder that is no model folder; it names the nearest model folder beside it."""
    path = folder.absolute()
    unfinished = path.with_name(f"{path.name}.running").is_dir()
    hint = " Its run did not end: finish it by zoo train ... --resume." if unfinished else ""
    if folder.is_dir():
        return (
            f"Expected {', '.join((*FILES, MODEL))} in {folder}. Received: a folder without {', '.join(missing)}.{hint}"
        )
    reason = "is a file" if folder.exists() else "does not exist"
    folders = (file.parent for file in path.parent.glob("*/preset.json"))
    names = (folder.name for folder in folders)
    models = sorted(name for name in names if not name.startswith(".") and not name.endswith(".running"))
    suggestion = f"{did_you_mean(path.name, models)} Models beside it: {', '.join(models)}." if models else ""
    return f"Expected a folder that zoo train wrote. Received: {folder}, which {reason}.{hint or suggestion}"
