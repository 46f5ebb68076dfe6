"""Cached features of frozen layers: predictions from them equal those of the whole network."""

import keras
import numpy as np
import pytest
from tiny import all_on_torch, compatible, shrink

from zoo.data.collate import Collator
from zoo.data.examples import Examples, save
from zoo.objectives import build_model
from zoo.objectives.classify_text import ClassifyText
from zoo.tokenizers.characters import Characters
from zoo.training.cached_features import CachedFeatures, CachedPredictor
from zoo.transforms.frozen import block_of_layer, split_frozen

OBJECTIVE = ClassifyText(labels=("a", "b"), length=16)
TEXTS = ("a bad film", "great", "a great great film", "so so", "b")
TOKENIZER = Characters().train(TEXTS)


@pytest.fixture
def examples(tmp_path):
    """A function from a model to its tokenised examples."""

    def make(model):
        records = [{"text": text, "label": "a"} for text in TEXTS]
        save(tmp_path / "rows", OBJECTIVE.examples(records, TOKENIZER))
        return Examples(
            tmp_path / "rows", Collator.for_model(model, OBJECTIVE, TOKENIZER, ("tokens", "segments", "labels"))
        )

    return make


def parts(name, block):
    architecture = shrink(name, depth=2, vocabulary=TOKENIZER.vocabulary_size, padding=TOKENIZER.padding, space=5)
    model = build_model(OBJECTIVE, architecture)
    return model, *split_frozen(
        model, {layer for layer, number in block_of_layer(architecture).items() if number <= block}
    )


def predictions(model, inputs):
    return keras.ops.convert_to_numpy(model.predict_on_batch({name: inputs[name] for name in model.input}))


@pytest.mark.parametrize("name", all_on_torch(compatible(OBJECTIVE)))
@pytest.mark.parametrize("block", [0, 2])
def test_cached_features_equal_computed_features(examples, tmp_path, name, block):
    model, lower, upper = parts(name, block)
    original = examples(model)
    features = CachedFeatures(original, lower, OBJECTIVE, TOKENIZER, tmp_path / "features")
    rows = np.array([4, 0, 2, 1])
    shape = features.shapes(16)[rows].max(axis=0)
    batch = features.batch(rows, shape)
    np.testing.assert_allclose(predictions(upper, batch), predictions(model, original.batch(rows, shape)), atol=1e-5)
    reloaded = CachedFeatures(original, None, OBJECTIVE, TOKENIZER, tmp_path / "features")
    assert len(reloaded) == len(TEXTS)
    np.testing.assert_array_equal(reloaded.lengths, original.lengths)


def test_a_batch_is_computed_once(examples, tmp_path):
    model, lower, upper = parts("transformer_encoder", 2)
    batch = examples(model).batch([0, 1], [16])
    first = CachedPredictor(lower, upper, tmp_path / "features")(batch)
    lower.predict_on_batch = None
    cached = CachedPredictor(lower, upper, tmp_path / "features")
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (cached(batch), first)))
    with pytest.raises(TypeError):
        cached({"tokens": batch["tokens"] * 0})
