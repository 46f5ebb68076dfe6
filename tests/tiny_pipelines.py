"""A small untrained pipeline of any objective and architecture, and a record that it reads."""

from dataclasses import replace
from functools import cache

import keras
from tiny import compatible, shrink

from zoo import catalog
from zoo.explore.text_run import run_text
from zoo.objectives import build_model
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset

TEXTS = ["the cat sat on the mat", "a dog ran to the old house", "where is my parcel today", "it was late"]
SETTINGS = {  # of the objectives that need some, or whose defaults are longer than a small network's context
    "classify_text": {"labels": ("good", "bad", "fair")},
    "tag_tokens": {"tags": ("NOUN", "VERB", "X"), "scheme": "plain"},
    "classify_and_tag": {"tags": ("NOUN", "VERB", "X"), "scheme": "plain", "labels": ("good", "bad")},
    "find_span": {"question_length": 6, "stride": 4},
    "translate": {"target_length": 12},
}
RECORDS = {  # other objectives read a text
    "find_span": {"question": "where is it", "context": "the old house"},
    "next_sentence": {"text": "the cat sat", "text_pair": "it was late"},
    "pretrain": {"text": "The cat sat. It was late. A dog ran."},
    "masked_token": {"text": "the cat [MASK] on the mat"},
    "score_pair": {"text": "the cat sat", "text_pair": "it was late"},
    "translate": {"source": "where is my parcel"},
    "follow_instructions": {"instruction": "where is my parcel"},
}
NEW = 6  # most new tokens of a text
WIDE_CONTEXT = {"length": 32}  # the prompt with the new tokens


def tiny_pipeline(objective, architecture, **settings):
    """A pipeline with random weights, of names in the catalog; `settings` of the architecture or of the objective."""
    keras.utils.set_random_seed(0)
    tokenizer = catalog.load("tokenizers", "bytes" if architecture == "lstm_cnn" else "words")().train(TEXTS)
    task = catalog.load("objectives", objective)
    fields = {name: value for name, value in settings.items() if name in task.__dataclass_fields__}
    task = task(**{"length": WIDE_CONTEXT["length"]} | SETTINGS.get(objective, {}) | fields)
    sizes = WIDE_CONTEXT | {"vocabulary": tokenizer.vocabulary_size, "padding": tokenizer.padding}
    network = shrink(architecture, **sizes | {name: settings[name] for name in settings if name not in fields})
    if hasattr(task, "decoder_start"):
        task = replace(task, decoder_start=network.decoder_start)
    if hasattr(task, "generation"):  # a trained network generates no padding, whose mask depends on the cache
        generation = {"bad_words": ((tokenizer.padding,),), "min_tokens": 2}
        task = replace(task, generation=generation | task.generation)
    if hasattr(task, "encoder"):
        task = replace(task, encoder="source" in network.inputs())
    preset = Preset(architecture=network, objective=task, tokenizer=catalog.load("tokenizers", "words")())
    return Pipeline(build_model(task, network), preset, tokenizer)


def record_of(objective):
    """A record that an objective reads."""
    return RECORDS.get(objective, {"text": "the cat sat on the mat"})


@cache
def tiny_run(objective, architecture, **settings):
    """`run_text` of a small pipeline on a record of its objective; equal arguments share the run."""
    return run_text(tiny_pipeline(objective, architecture, **settings), record_of(objective), NEW)


def run_of(architecture):
    """The run of a network of two layers with the first objective that it serves: generation, tags or labels."""
    names = ("translate", "next_token", "tag_tokens", "classify_text")
    settings = {"depth": 2, "causal": True}
    tasks = {name: catalog.load("objectives", name)() for name in names}
    objective = next(name for name in names if architecture in compatible(tasks[name], **settings))
    return tiny_run(objective, architecture, **settings)
