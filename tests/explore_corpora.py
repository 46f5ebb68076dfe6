"""Small untrained pipelines and a corpus with a planted pattern."""

import random

import keras
from tiny import NO_DROPOUT, shrink

from zoo import catalog
from zoo.objectives import build_model
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.tokenizers.words import Words

TEXT = "the old bank of a river was blue and we saw it when she ran home to eat green pears"
ENDINGS = ["again", "twice", "then", "soon", "late"]
PLANTED = [f"we saw the old bank {ending}" for ending in ENDINGS]  # beside other lines with the word bank
QUERY = "we saw the old bank today"


def corpus_lines(count=60):
    """Lines of random words, among which the `PLANTED` ones are."""
    rng = random.Random(0)
    lines = [" ".join(rng.choices(TEXT.split(), k=rng.randint(3, 10))) for _ in range(count)]
    for position, line in enumerate(PLANTED):
        lines.insert(10 * position, line)
    return lines


def small_pipeline(name, objective="classify_text", folder=None, words=(), **settings):
    """An untrained pipeline of an architecture of the catalog, with a tokenizer of words; saved in a folder."""
    keras.utils.set_random_seed(0)
    tokenizer = Words().train([*corpus_lines(), QUERY, *words])
    objective = catalog.load("objectives", objective)(length=16, **settings)
    sizes = {"vocabulary": tokenizer.vocabulary_size, "padding": tokenizer.padding}
    architecture = shrink(name, **NO_DROPOUT | sizes)
    preset = Preset(architecture=architecture, objective=objective, tokenizer=Words())
    pipeline = Pipeline(build_model(objective, architecture), preset, tokenizer, folder=folder)
    if folder:
        folder.mkdir(parents=True)
        pipeline.save(folder)
    return pipeline
