"""TFDS features as standard fields, and the splits that are read, without preparing a dataset."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

import zoo.readers.tfds as reader
from zoo.data.fields import columns_of, known_columns, to_record

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
        ("wikiann/de", ("tokens", "tags")),
        ("squad/v1.1", ("context", "question", "answers", "id")),
        ("squad/v2.0", ("context", "question", "answers", "id")),
        ("wiki40b/en", ("text",)),
        ("lm1b", ("text",)),
        ("natural_instructions", ("instruction", "input", "output")),
    ],
)
def test_features_become_standard_fields(name, fields):
    columns = fields_of(reader._builder(f"tfds:{name}"))
    assert all(field in columns for field in fields)


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("wmt14_translate/de-en", "de", "en"),
        ("wmt16_translate/ro-en", "ro", "en"),
        ("wmt_t2t_translate/de-en", "de", "en"),
        ("ted_hrlr_translate/pt_to_en", "pt", "en"),
        ("opus/medical", "de", "en"),
        ("xsum", "document", "summary"),
        ("cnn_dailymail", "article", "highlights"),
        ("samsum", "dialogue", "summary"),
        ("gsm8k", "question", "answer"),
        ("natural_instructions", "input", "output"),
    ],
)
def test_features_become_source_and_target(name, source, target):
    columns = fields_of(reader._builder(f"tfds:{name}"))
    assert (columns["source"], columns["target"]) == (source, target)


def fields_of(builder):
    """{standard field: the feature that it is read from} of a data set."""
    features = builder.info.features
    columns = known_columns(columns_of({}, reader._columns(builder)), features)
    return {field: column for field, column in columns.items() if column in features}


def record_of(builder, **features):
    """The record of a row of such features."""
    row = {name: reader._to_python(value, builder.info.features[name]) for name, value in features.items()}
    return to_record(row, "here", columns_of({}, reader._columns(builder)))


def test_numbers_of_tags_become_their_names():
    conll = record_of(reader._builder("tfds:conll2003"), tokens=np.array([b"in", b"Rome"]), ner=np.array([0, 5]))
    assert conll == {"tokens": ["in", "Rome"], "tags": ["O", "B-LOC"]}
    wikiann = record_of(reader._builder("tfds:wikiann/de"), tokens=np.array(["Łódź".encode()]), tags=np.array([5]))
    assert wikiann == {"tokens": ["Łódź"], "tags": ["B-LOC"]}


def test_answers_and_their_lack():
    builder, question = reader._builder("tfds:squad/v2.0"), {"context": b"In Rome.", "question": b"Where?", "id": b"1"}
    answers = {"text": np.array([b"Rome", b"In Rome"]), "answer_start": np.array([3, 0])}
    actual = record_of(builder, **question, answers=answers)
    assert actual["answers"] == [{"text": "Rome", "start": 3}, {"text": "In Rome", "start": 0}]
    none = {"text": np.array([], object), "answer_start": np.array([], np.int32)}
    assert record_of(builder, context=b"x", answers=none)["answers"] == []


def test_marks_in_wiki40b_become_line_breaks():
    text = "\n_START_ARTICLE_\nŁódź\n_START_SECTION_\nPast\n_START_PARAGRAPH_\nOne._NEWLINE_Two."
    assert reader._replace_marks(text) == "Łódź\n\nPast\nOne.\nTwo."


@pytest.mark.parametrize(
    ("name", "splits", "expected"),
    [
        ("glue", ["train", "validation", "test"], ["train", "validation"]),
        ("glue", ["train", "validation_matched", "test_matched", "test_mismatched"], ["train", "validation_matched"]),
        ("glue", ["test"], ["test"]),  # glue/ax has nothing else
        ("snli", ["train", "validation", "test"], ["train", "validation", "test"]),
    ],
)
def test_secret_test_splits_are_left_out(name, splits, expected):
    builder = SimpleNamespace(name=name, info=SimpleNamespace(splits=splits))
    assert reader._splits(builder) == expected
