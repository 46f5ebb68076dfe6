"""A small untrained model of every objective of the catalog, as a model folder that the command line loads."""

import csv
from dataclasses import replace

import keras
from tiny import SIZES, shrink

from zoo import catalog
from zoo.objectives import build_model
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Data, Preset
from zoo.tokenizers.words import Words
from zoo.training.training_data import load_data

PAIRS = [{"text": f"a great film {i}", "text_pair": f"a fine story {i % 7}", "label": i % 3} for i in range(30)]
ARCHITECTURES = {  # of the objectives that no preset of the sample trains
    "embed_text": "averaging",
    "score_pair": "averaging",
}


def sample_preset(name):
    """A small preset of the objective `name` on the embedded sample; None where the sample has no preset of it."""
    presets = (catalog.load("presets", preset) for preset in catalog.names("presets") if "helpdesk" in preset)
    for preset in presets:
        if catalog.name_of("objectives", preset.objective) == name:
            architecture = shrink(catalog.name_of("architectures", preset.architecture), length=preset.objective.length)
            return replace(preset, architecture=architecture)
    return None


def pair_preset(name, folder):
    """A preset of an objective on pairs of texts, with its data in `folder`."""
    with open(folder / "pairs.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(PAIRS[0]))
        writer.writeheader()
        writer.writerows(PAIRS)
    objective = catalog.load("objectives", name)(length=SIZES["length"])
    data = Data(spec=str(folder / "pairs.csv"))
    return Preset(architecture=shrink(ARCHITECTURES[name]), objective=objective, tokenizer=Words(), data=data)


def save_untrained(name, folder):
    """Save an untrained model of the objective `name` as the folder `folder / name`, and return that folder."""
    keras.utils.set_random_seed(0)
    preset = sample_preset(name) or pair_preset(name, folder)
    data = load_data(preset)
    architecture = replace(
        preset.architecture, vocabulary=data.tokenizer.vocabulary_size, padding=data.tokenizer.padding
    )
    preset = replace(preset, architecture=architecture, objective=data.objective)
    (folder / name).mkdir()
    Pipeline(build_model(data.objective, architecture), preset, data.tokenizer).save(folder / name)
    return folder / name
