"""Which features of TFDS's data sets become which fields, and which of their splits are kept; nothing is prepared."""

from types import SimpleNamespace

import keras
import pytest

import zoo.datasets.tfds as reader

if keras.config.backend() != "tensorflow":
    pytest.skip("TFDS needs TensorFlow; shown once, in the run on the tensorflow backend", allow_module_level=True)

PAIR = ("text", "text_pair", "label")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("imdb_reviews", ("text", "label")),
        ("ag_news_subset", ("text", "label")),
        ("trec", ("text", "label")),
        ("yelp_polarity_reviews", ("text", "label")),
        ("sentiment140", ("text", "label")),
        ("glue/cola", ("text", "label")),
        ("glue/sst2", ("text", "label")),
        ("glue/mrpc", PAIR),
        ("glue/qqp", PAIR),
        ("glue/stsb", PAIR),
        ("glue/mnli", PAIR),
        ("glue/qnli", PAIR),
        ("glue/rte", PAIR),
        ("glue/wnli", PAIR),
        ("glue/ax", PAIR),
        ("snli", PAIR),
        ("multi_nli", PAIR),
        ("conll2003", ("tokens", "tags")),
        ("squad/v2.0", ("context", "question", "answers")),
    ],
)
def test_features_become_standard_fields(name, fields):
    builder = reader._builder(f"tfds:{name}")
    features = builder.info.features
    columns = {field: field for field in features} | reader._columns(builder)
    assert all(columns.get(field) in features for field in fields)


@pytest.mark.parametrize(
    ("name", "there", "kept"),
    [
        ("glue", ["train", "validation", "test"], ["train", "validation"]),
        ("glue", ["train", "validation_matched", "test_matched", "test_mismatched"], ["train", "validation_matched"]),
        ("glue", ["test"], ["test"]),  # glue/ax has nothing else
        ("snli", ["train", "validation", "test"], ["train", "validation", "test"]),
    ],
)
def test_secret_test_splits_are_left_out(name, there, kept):
    builder = SimpleNamespace(name=name, info=SimpleNamespace(splits=there))
    assert reader._splits(builder) == kept
