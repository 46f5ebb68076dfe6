"""Small architectures of the catalog, overfitted models and fake predictors, which tests share."""

from dataclasses import fields

import keras
import numpy as np
import pytest

from zoo import catalog
from zoo.data.collate import Collator
from zoo.objectives import build_model, compile_model
from zoo.objectives._tagging import named_spans
from zoo.pipeline import predictor

SIZES = {
    "vocabulary": 40,
    "length": 16,
    "width": 16,
    "depth": 1,
    "units": 12,
    "heads": 2,
    "kv_heads": 1,
    "hidden": 24,
    "filters": 8,
    "buckets": 64,
}
NO_DROPOUT = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}  # so that a few examples can be overfitted

LAYER_OF_FIELD = {"units": "recurrent", "heads": "attention", "kernel": "convolution", "kernels": "convolution"}
TRAINABLE = [name for name in catalog.names("tokenizers") if name != "pretrained"]  # tokenizers trained on texts


def shrink(name, **settings):
    """A small architecture of the catalog, with the values of `SIZES` and `settings` for the fields that it has."""
    cls = catalog.load("architectures", name)
    known = {field.name for field in fields(cls) if field.init}
    return cls(**{field: value for field, value in (SIZES | settings).items() if field in known})


def compatible(objective, **settings):
    """Names of the architectures that are compatible with an objective."""
    return [
        name
        for name in catalog.names("architectures")
        if not catalog.incompatibility(objective, shrink(name, **settings))
    ]


def family(name):
    """The family of an architecture: (kind of layers, is it an encoder-decoder, is its attention causal)."""
    architecture = shrink(name)
    known = {field.name for field in fields(architecture)}
    layers = [layer for field, layer in LAYER_OF_FIELD.items() if field in known][:1]
    return (*layers, "source" in architecture.inputs(), "heads" in known and architecture.causal)


def one_of_each_family(names):
    """Of the architectures in `names`, the one with the fewest fields of each family."""
    fewest_first = sorted(names, key=lambda name: len(fields(shrink(name))))
    return {family(name): name for name in reversed(fewest_first)}.values()


def all_or_few(names, few=None):
    """All `names` on torch; elsewhere, where each must be compiled, only `few` unless run with --all.

    Without `few`, names are architectures, and one of each family is taken.
    """
    return _few(names, few, [pytest.mark.slow])


def all_on_torch(names, few=None):
    """All `names` on torch; only `few` elsewhere, with --all too; without `few`, architectures: one of each family.

    For what is tested by itself on all backends, such as an objective and an architecture, whose pairs these are.
    """
    return _few(names, few, [pytest.mark.slow, pytest.mark.elsewhere])


def _few(names, few, marks):
    run_all = keras.config.backend() == "torch"
    few = one_of_each_family(names) if few is None else few
    return [pytest.param(name, marks=() if run_all or name in few else marks) for name in names]


def overfit(objective, name, records, tokenizer, epochs=60, rate=0.02, **settings):
    """Overfit a small architecture on a few records as one batch: (model, predictions)."""
    keras.utils.set_random_seed(0)
    architecture = shrink(name, **NO_DROPOUT | settings | {"vocabulary": tokenizer.vocabulary_size})
    model = compile_model(objective, build_model(objective, architecture), keras.optimizers.Adam(rate))
    rows = list(objective.examples(records, tokenizer))
    collator = Collator.for_model(model, objective, tokenizer, rows[0])
    batch = collator.pad(rows, np.array([collator.sizes(row) for row in rows]).max(axis=0))
    inputs, targets, weights = objective.collate(batch, np.random.default_rng(0))
    inputs = {key: inputs[key] for key in model.input}
    model.fit(inputs, targets, sample_weight=weights, batch_size=len(rows), epochs=epochs, verbose=0, shuffle=False)
    return model, predictor.predict(model, objective, tokenizer, records)


def decide(objective, outputs):
    """The decisions, one a row, of a model's outputs, as `predict` returns them."""
    outputs = keras.tree.map_structure(keras.ops.convert_to_tensor, outputs)
    arrays = {name: keras.ops.convert_to_numpy(tensor) for name, tensor in objective.decide(outputs).items()}
    rows = len(next(iter(arrays.values())))
    return [{name: array[row] for name, array in arrays.items()} for row in range(rows)]


class FakePredictor:
    """A `BatchPredictor` without a model: the function `outputs` returns the outputs for a list of examples."""

    during_training, model = False, None

    def __init__(self, objective, outputs):
        self.objective, self.outputs = objective, outputs

    def __call__(self, examples):
        return self.outputs(examples)

    def decide(self, outputs):
        decisions = decide(self.objective, outputs)
        return {name: np.stack([decision[name] for decision in decisions]) for name in decisions[0]}


def spans_from(objective, tags, probabilities):
    """The decision of a tagging objective for a text with these predicted tags and their probabilities."""
    tag, score = np.array([tags], "int32"), np.array([probabilities], "float32")
    arrays = named_spans(objective.tag_set, tag, score, np.ones(tag.shape, bool))
    spans = {name: keras.ops.convert_to_numpy(array)[0] for name, array in arrays.items()}
    exists = spans["first"] >= 0
    return {name: array[exists] for name, array in spans.items()} | {"word_tags": tag[0]}
