"""The mean of several models' weights: a model soup.

Wortsman et al. 2022, https://arxiv.org/abs/2203.05482: fine-tuned from the same weights with other seeds or settings,
models lie so near to one another that the mean of their weights is a model too, which often answers better than each of
them and costs no more than one.
"""

import json
from dataclasses import replace

from keras import ops

from zoo import config
from zoo.data.opening import open_dataset
from zoo.pipeline.pipeline import held_out, load, measure
from zoo.runtime.console import console
from zoo.runtime.files import check_new, whole_folder

LEARNING = {"dropout", "label_smoothing", "agreement", "threshold"}  # in these models may differ


def average(folders, to):
    """Write a model folder with the mean of the weights of several, and their settings; returns its `Pipeline`.

    Its threshold is calibrated, and its scores are measured, on the data of the first one, where that can be read.

    Args:
        folders: of models that were fine-tuned from the same weights, two at least.
        to: the new model's folder.

    Raises ValueError for fewer, for models that differ in more than how they were trained, and where `to` exists.
    """
    if len(folders) < 2:
        raise ValueError(f"Expected two model folders or more. Received: {len(folders)}.")
    check_new(to, "save the model in")
    first = load(folders[0])
    for weight, mean in zip(first.model.weights, _means(first, folders), strict=True):
        weight.assign(mean)
    pipeline = _scored(first)
    with whole_folder(to) as partial_folder:
        pipeline.write(partial_folder)
    return pipeline


def _means(first, folders):
    """Arrays, as the weights of the `first` of several models, which are held one at a time."""
    means = _arrays(first)
    for count, folder in enumerate(folders[1:], 2):
        other = load(folder)
        _check_alike(first, other, folders[0], folder)
        means = [mean + (array - mean) / count for mean, array in zip(means, _arrays(other), strict=True)]
    return means


def _arrays(pipeline):
    return [ops.convert_to_numpy(weight) for weight in pipeline.model.weights]


def _check_alike(first, other, name, folder):
    """Raise ValueError where weights of two models do not stand for the same."""
    one, two = map(_kind, (first, other))
    for key in one | two:
        if one.get(key) != two.get(key):
            received = f"{key} {one.get(key)!r} in {name}, {two.get(key)!r} in {folder}"
            raise ValueError(f"Expected models that differ only in how they were trained. Received: {received:.300}.")
    if not first.preset.training.weights:
        why = "From scratch each finds other meanings for its weights."
        raise ValueError(f"Expected models fine-tuned from the same weights. Received: {name}, from scratch. {why}")
    if first.tokenizer.rust.to_str() != other.tokenizer.rust.to_str():
        raise ValueError(f"Expected models of the same tokenizer. Received: another one in {folder} than in {name}.")


def _kind(pipeline):
    """{setting: value} of what makes a model what it is."""
    preset = json.loads(config.to_json(pipeline.preset))
    parts = ("architecture", "objective")
    kind = {f"{part}.{name}": value for part in parts for name, value in preset[part].items() if name not in LEARNING}
    return kind | {"training.weights": preset["training"]["weights"]}


def _scored(pipeline):
    """A pipeline whose weights are new, calibrated and scored on its own data; not scored where that cannot be read."""
    objective, data = pipeline.objective, pipeline.preset.data
    try:
        dataset = open_dataset(data.spec, data.columns, data.seed, data.errors, objective.needs(), objective.draw)
    except ValueError as error:
        console.print(f"Not scored, since the data of the first model cannot be read: {error}")
        return replace(pipeline, scores={})
    return measure(pipeline, held_out(dataset))[0]
