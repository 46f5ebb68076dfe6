"""A pipeline shows itself: one line, and HTML with scores and learning curves; it knows its folder and its history."""

import csv
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import zoo
from zoo.pipeline.summary import plot


@pytest.fixture(scope="module")
def pipeline(model_folder):
    return zoo.load(model_folder)


def test_one_line(pipeline, model_folder):
    accuracy = pipeline.scores["test"]["accuracy"]
    parts = f"objective=classify_text, architecture=averaging, labels=2, test accuracy={accuracy:.4f}"
    assert repr(pipeline) == f"Pipeline({parts}, folder={str(model_folder)!r})"
    assert repr(replace(pipeline, scores={}, folder=None)) == (
        "Pipeline(objective=classify_text, architecture=averaging, labels=2)"
    )


def test_folder_and_history(pipeline, model_folder):
    assert pipeline.folder == model_folder
    with (model_folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in pipeline.history] == list(range(1, len(rows) + 1))
    assert pipeline.history[-1]["val_accuracy"] == float(rows[-1]["val_accuracy"])
    assert replace(pipeline, folder=None).history == []


def test_html_has_the_scores_and_the_curves(pipeline):
    page = ElementTree.fromstring(pipeline._repr_html_())  # well formed
    cells = [cell.text for cell in page.iter("td")]
    assert f"{pipeline.scores['test']['accuracy']:.4f}" in cells
    namespace = "{http://www.w3.org/2000/svg}"
    lines = [line.get("points").split() for line in page.iter(f"{namespace}polyline")]
    assert [len(points) for points in lines] == [len(pipeline.history)] * 2
    titles = [text.text for text in page.iter(f"{namespace}text")]
    assert any(title.startswith("loss ") for title in titles)
    assert any(title.startswith("validation accuracy ") for title in titles)


def test_html_without_a_history_and_without_scores(pipeline):
    page = ElementTree.fromstring(replace(pipeline, scores={}, folder=None)._repr_html_())
    assert [p.text for p in page.iter("p")][-1] == "no scores"
    assert not list(page.iter("{http://www.w3.org/2000/svg}svg"))


@pytest.mark.parametrize("points", [[(1, 0.5)], [(1, 0.5), (2, 0.5)]])
def test_a_plot_of_one_value(points):
    picture = ElementTree.fromstring(plot("<loss>", points))
    assert "nan" not in ElementTree.tostring(picture, "unicode")
