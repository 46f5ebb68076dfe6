"""Features of frozen layers on disk: every network answers with them as it answers without."""

import keras
import numpy as np
import pytest
from tiny import all_or_few, compatible, shrunk

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
    """Makes the examples of a model."""

    def make(model):
        records = [{"text": text, "label": "a"} for text in TEXTS]
        save(tmp_path / "rows", OBJECTIVE.examples(records, TOKENIZER))
        return Examples(
            tmp_path / "rows", Collator.for_model(model, OBJECTIVE, TOKENIZER, ("tokens", "segments", "labels"))
        )

    return make


def parts(name, block):
    architecture = shrunk(name, depth=2, vocabulary=TOKENIZER.vocabulary_size, padding=TOKENIZER.padding, space=5)
    model = build_model(OBJECTIVE, architecture)
    return model, *split_frozen(
        model, {layer for layer, number in block_of_layer(architecture).items() if number <= block}
    )


def answered(model, inputs):
    return keras.ops.convert_to_numpy(model.predict_on_batch({name: inputs[name] for name in model.input}))


@pytest.mark.parametrize("name", all_or_few(compatible(OBJECTIVE)))
@pytest.mark.parametrize("block", [0, 2])
def test_kept_features_are_those_that_would_be_computed(examples, tmp_path, name, block):
    model, lower, upper = parts(name, block)
    actual = examples(model)
    features = CachedFeatures(actual, lower, OBJECTIVE, TOKENIZER, tmp_path / "features")
    rows = np.array([4, 0, 2, 1])
    shape = features.shapes(16)[rows].max(axis=0)
    batch = features.batch(rows, shape)
    np.testing.assert_allclose(answered(upper, batch), answered(model, actual.batch(rows, shape)), atol=1e-5)
    again = CachedFeatures(actual, None, OBJECTIVE, TOKENIZER, tmp_path / "features")
    assert len(again) == len(TEXTS)
    np.testing.assert_array_equal(again.lengths, actual.lengths)


def test_a_batch_that_was_met_is_not_computed_again(examples, tmp_path):
    model, lower, upper = parts("transformer_encoder", 2)
    batch = examples(model).batch([0, 1], [16])
    first = CachedPredictor(lower, upper, tmp_path / "kept")(batch)
    lower.predict_on_batch = None
    remembering = CachedPredictor(lower, upper, tmp_path / "kept")
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (remembering(batch), first)))
    with pytest.raises(TypeError):
        remembering({"tokens": batch["tokens"] * 0})
