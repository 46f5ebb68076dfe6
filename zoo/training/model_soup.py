"""Model soup: the mean of the weights of several fine-tuned models (Wortsman et al. 2022, arXiv:2203.05482).

Models fine-tuned from the same weights, with different seeds or settings, are close to each other in weight space. The
mean of their weights often scores better than each model, at the inference cost of one model.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from keras import ops

from zoo import config
from zoo.pipeline.model_folder import load
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, check_new
from zoo.training.calibration import calibrate_and_score, held_out
from zoo.training.training_data import open_preset_dataset

TRAINING_FIELDS = {"dropout", "label_smoothing", "rdrop", "threshold"}  # in which the models may differ


def average(folders: Sequence[str | Path], to: str | Path) -> Pipeline:
    """Write a model soup: a model folder with the mean weights of several models. Returns its `Pipeline`.

    The threshold is calibrated, and the scores are computed, on the data of the first model, if these can be read.

    Args:
        folders: of two or more models that were fine-tuned from the same weights.
        to: the new model folder.

    Raises UserError for fewer models, for models of different networks or tasks, and where `to` exists.
    """
    if len(folders) < 2:
        raise UserError(f"Expected two model folders or more. Received: {len(folders)}.")
    check_new(to, "save the model in")
    first = load(folders[0])
    for weight, mean in zip(first.model.weights, _means(first, folders), strict=True):
        weight.assign(mean)
    pipeline = _scored(first)
    with atomic_folder(to) as partial_folder:
        pipeline.save(partial_folder)
    return pipeline


def _means(first, folders):
    """The mean of each weight, as arrays; one model at a time is in memory beside the `first`."""
    means = _arrays(first)
    for count, folder in enumerate(folders[1:], 2):
        other = load(folder)
        _check_same_kind(first, other, folders[0], folder)
        means = [mean + (array - mean) / count for mean, array in zip(means, _arrays(other), strict=True)]
    return means


def _arrays(pipeline):
    return [ops.convert_to_numpy(weight) for weight in pipeline.model.weights]


def _check_same_kind(first, other, name, folder):
    """Raise UserError where two models are of different networks, tasks, initial weights or tokenizers."""
    left, right = map(_kind, (first, other))
    for key in left | right:
        if left.get(key) != right.get(key):
            received = f"{key} {left.get(key)!r} in {name}, {right.get(key)!r} in {folder}"
            raise UserError(f"Expected models that differ only in how they were trained. Received: {received:.300}.")
    if not first.preset.training.init:
        reason = "Models trained from scratch are far apart in weight space."
        raise UserError(f"Expected models fine-tuned from the same weights. Received: {name}, from scratch. {reason}")
    if first.tokenizer.identity != other.tokenizer.identity:
        raise UserError(
            f"Expected models of the same tokenizer. Received: different tokenizers in {name} and {folder}."
        )


def _kind(pipeline):
    """{setting: value} of the network, the task and the initial weights."""
    preset = json.loads(config.to_json(pipeline.preset))
    parts = ("architecture", "objective")
    kind = {
        f"{part}.{name}": value for part in parts for name, value in preset[part].items() if name not in TRAINING_FIELDS
    }
    return kind | {"training.init": preset["training"]["init"]}


def _scored(pipeline):
    """The pipeline, calibrated and scored on its own data; without scores where the data cannot be read."""
    try:
        dataset = open_preset_dataset(pipeline.preset)
    except UserError as error:
        console.print(f"Not scored, because the data of the first model cannot be read: {error}")
        return replace(pipeline, scores={}, baselines={}, folder=None)
    return calibrate_and_score(pipeline, held_out(dataset), dataset.describe)[0]
