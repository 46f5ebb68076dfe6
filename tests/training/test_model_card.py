"""The model card: front matter, tables, pictures, samples, and no path of this machine."""

import csv
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import yaml

import zoo
from zoo.pipeline.score_comparison import ScoreComparison
from zoo.training import callbacks
from zoo.training.card_tables import baselines_table, scores_table
from zoo.training.markdown import markdown_table


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


@pytest.fixture(scope="module")
def folder(model_folder):
    return model_folder


def test_splits_may_have_different_scores():
    table = scores_table({"validation": {"f1": 0.5, "best_f1": 0.625}, "test": {"f1": 0.25}})
    assert table.split("\n") == [
        "| split | f1 | best_f1 |",
        "| --- | --- | --- |",
        "| validation | 0.5000 | 0.6250 |",
        "| test | 0.2500 |  |",
    ]


def test_scores_stand_beside_their_baselines():
    baselines = {"accuracy": {"chance": 0.5, "TF-IDF": 0.7}, "bleu": {"a copy": 0.1}}
    comparisons = {
        "validation": ScoreComparison("accuracy", 0.75, 40, "in/a.tsv (validation split)", (0.6, 0.85), baselines),
        "test": ScoreComparison("accuracy", 0.5, 40, "b.tsv"),
    }
    assert baselines_table(comparisons, "in/a.tsv").strip().split("\n")[2:] == [
        "| validation | accuracy 0.7500 | 0.6000 to 0.8500 | 40 of a.tsv (validation split) "
        "| accuracy of chance 0.5000; accuracy of TF-IDF 0.7000; bleu of a copy 0.1000 |",
        "| test | accuracy 0.5000 |  | 40 of b.tsv |  |",
    ]
    assert baselines_table({}, "") == ""


def test_cells_stay_in_their_table():
    assert markdown_table([{"text": "a | b\nc"}]).split("\n")[2] == "| a \\| b c |"


def test_the_front_matter_has_the_scores(model_folder):
    card = (model_folder / "README.md").read_text()
    values, scores = front_matter(card), zoo.load(model_folder).scores["test"]
    assert values["library_name"] == "keras"
    assert values["pipeline_tag"] == "text-classification"
    assert values["tags"] == ["zoo", "averaging", "classify_text"]
    assert values["license"] == "unknown"
    assert "base_model" not in values
    (result,) = values["model-index"][0]["results"]
    assert result["dataset"]["split"] == "test"
    assert {m["type"]: m["value"] for m in result["metrics"]} == pytest.approx(scores, abs=1e-6)


def test_the_card_shows_its_pictures_and_no_path(model_folder, reviews):
    card = (model_folder / "README.md").read_text()
    for name in ("curves.png", "confusion.png", "calibration.png"):
        assert f"({name})" in card
        assert (model_folder / name).read_bytes().startswith(b"\x89PNG")
    assert "| label | precision | recall | f1 | support |" in card
    assert "## Samples of test" in card
    assert str(reviews.parent) not in card
    assert str(model_folder.parent) not in card
    assert f"32 of {reviews.name}/test.tsv" in card
    assert f"`{reviews.name}`" in card


def test_mistakes_are_wrong_and_the_worst_comes_first(tiny, tmp_path):
    pipeline = zoo.train(tiny, to=tmp_path / "m", overrides=["training.epochs=1", "training.learning_rate=1e-3"])
    with (tmp_path / "m" / "mistakes.csv").open() as file:
        rows = list(csv.DictReader(file))
    wrong = round(32 * (1 - pipeline.scores["test"]["accuracy"]))
    assert len(rows) == wrong > 0
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert all(row["prediction"].split()[0] != row["label"] for row in rows)
    assert list(rows[0]) == ["accuracy", "loss", "text", "label", "prediction"]


def test_one_epoch_has_points_within_it(tiny, tmp_path):
    zoo.train(tiny, to=tmp_path / "m", overrides=["training.epochs=1"])
    with (tmp_path / "m" / "loss.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "m" / "history.csv").open() as file:
        (epoch,) = csv.DictReader(file)
    assert [int(row["batch"]) for row in rows] == list(range(1, 13))
    assert np.mean([float(row["loss"]) for row in rows]) == pytest.approx(float(epoch["loss"]), rel=1e-4)


def test_a_multi_label_card_has_a_threshold_curve(tiny, reviews, tmp_path):
    preset = replace(tiny, objective=replace(tiny.objective, multi_label=True))
    columns = {"labels": "label"}
    zoo.train(preset, to=tmp_path / "m", columns=columns, overrides=["training.epochs=1"])
    assert (tmp_path / "m" / "thresholds.png").is_file()
    assert "(thresholds.png)" in (tmp_path / "m" / "README.md").read_text()


def test_a_stopped_run_and_its_command_are_marked(reviews, tmp_path, monkeypatch):
    def press(self, batch, logs=None):
        if batch == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(callbacks.StopAfter, "on_train_batch_end", press)
    settings = ["architecture=averaging", "architecture.width=8", "objective.length=16", "training.epochs=2"]
    zoo.train("text_cnn_sst2", data=reviews, to=tmp_path / "m", overrides=settings)
    card = (tmp_path / "m" / "README.md").read_text()
    assert "**Stopped by Ctrl-C after " in card
    assert f"zoo train text_cnn_sst2 {' '.join(settings)} --data {reviews.name}" in card
