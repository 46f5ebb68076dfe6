"""Presets for own data: columns, recipe and settings from a file, and scores that are not below the simple baseline."""

import csv

import keras
import numpy as np
import pytest

import zoo

SETS = {  # rows, classes, words of a text, imbalance: the ratio of the most to the least frequent class
    "few rows": (100, 2, 12, 1),
    "several classes": (600, 12, 8, 1),
    "imbalanced": (800, 4, 10, 20),
    "long": (300, 5, 150, 1),
    "many classes": (2000, 50, 6, 3),
    "more classes than a linear model takes": (1500, 60, 8, 1),
}
LONGEST = "more classes than a linear model takes"  # a minute: on one backend
TEST_ROWS = 1000  # so many that the difference of two scores has a standard error of less than a percentage point


def synthetic(rows, classes, words, imbalance, seed=0):
    """(text, label) records: the words are of one vocabulary, about a third of them of the topic of the class."""
    random = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = np.array(["".join(random.choice(letters, random.integers(2, 9))) for _ in range(1000)])
    shares = np.geomspace(1, 1 / imbalance, classes)
    labels = np.concatenate([np.arange(classes), random.choice(classes, rows - classes, p=shares / shares.sum())])
    topics = random.choice(1000, (classes, 12))
    for label in random.permutation(labels):
        common = vocabulary[np.minimum(random.zipf(1.3, words) - 1, 999)]
        chosen = np.where(random.random(words) < 0.3, vocabulary[random.choice(topics[label], words)], common)
        yield " ".join(chosen), f"class {label}"


def write(path, records, columns=("body", "category")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *records])
    return path


def score(pipeline):
    """(test score, that of the best baseline)."""
    comparison = pipeline.baselines["test"]
    return comparison.score, max(comparison.baselines["accuracy"].values())


def test_a_spreadsheet_is_classified_with_one_command(cli, tmp_path):
    file = write(tmp_path / "tickets.csv", synthetic(300, 3, 10, 1))
    result = cli("train", file, "--from", "scratch", "--to", tmp_path / "m")
    assert result.status == 0
    assert f"suit classify_text: zoo train classify_text --data {file}" in result.err
    assert "--columns text=body,label=category" in result.err
    assert "240 training rows, 3 different labels" in result.err
    assert "trains from scratch: no pretrained weights at hand" in result.err
    model = zoo.load(tmp_path / "m")
    assert model.preset.data.columns == {"text": "body", "label": "category"}
    reached, baseline = score(model)
    assert reached >= baseline - 0.02


def test_settings_of_the_user_go_before_those_of_the_recipe(tmp_path):
    file = write(tmp_path / "a.csv", synthetic(60, 2, 5, 1))
    settings = ["training.epochs=1", "architecture=averaging", "tokenizer=words", "objective.length=9"]
    preset = zoo.train("classify_text", data=file, to=tmp_path / "m", overrides=settings).preset
    assert (preset.training.epochs, preset.objective.length) == (1, 9)
    assert type(preset.architecture).__name__ == "Averaging"


def test_whole_words_need_a_tokenizer_of_characters(tmp_path):
    file = write(tmp_path / "a.csv", synthetic(60, 2, 5, 1))
    with pytest.raises(
        zoo.UserError, match="need tokenizer=characters or tokenizer=bytes, or .* Received: tokenizer=words"
    ):
        zoo.train("classify_text", data=file, to=tmp_path / "m", init="scratch", overrides=["tokenizer=words"])


def test_a_model_of_whole_words_is_a_warm_start(tmp_path):
    file = write(tmp_path / "a.csv", synthetic(60, 2, 5, 1))
    first = zoo.train("classify_text", data=file, to=tmp_path / "a", init="scratch", overrides=["training.epochs=1"])
    options = {"data": file, "init": str(tmp_path / "a"), "overrides": ["training.epochs=1"]}
    second = zoo.train("classify_text", to=tmp_path / "b", **options)
    assert first.preset.architecture.separators == second.preset.architecture.separators != ()


def test_a_recipe_without_data_says_what_it_needs():
    with pytest.raises(zoo.UserError, match="Expected your own data, with text and label: give --data FILE"):
        zoo.train("classify_text")


def test_rows_in_memory_and_a_resumed_run(tmp_path):
    rows = [{"review": text, "stars": label} for text, label in synthetic(80, 2, 5, 1)]
    options = {"data": rows, "to": tmp_path / "m", "init": "scratch"}
    first = zoo.train("classify_text", **options, overrides=["training.epochs=1"])
    assert [row["epoch"] for row in first.history] == [1]
    longer = zoo.train("classify_text", **options, overrides=["training.epochs=2"], resume=True)
    assert [row["epoch"] for row in longer.history] == [1, 2]


def on_one_backend(name):
    once = name == LONGEST and keras.config.backend() != "torch"
    return pytest.param(name, marks=pytest.mark.elsewhere if once else ())


@pytest.mark.slow
@pytest.mark.parametrize("name", [on_one_backend(name) for name in SETS])
def test_a_classifier_is_not_below_logistic_regression(name, tmp_path):
    rows, *properties = SETS[name]
    records = list(synthetic(rows + TEST_ROWS, *properties))
    write(tmp_path / "train.csv", records[TEST_ROWS:])
    write(tmp_path / "test.csv", records[:TEST_ROWS])
    reached, baseline = score(zoo.train("classify_text", data=tmp_path, to=tmp_path / "m", init="scratch", budget=60))
    assert reached >= baseline - 0.02
