"""Answers of a SavedModel's rows have the form of `zoo predict`, for every kind of outputs."""

import pytest

from zoo.serving.ray.row_answers import RowAnswers

LABELS = {"labels": ["b", "a"], "probabilities": [0.75, 0.25]}
SPANS = {"texts": ["Oslo", ""], "starts": [3, -1], "ends": [7, -1], "scores": [0.5, 0.0]}
TEXT = {"label": "ask", "probability": 0.9}
SPAN = {"text": "Oslo", "label": "CITY", "score": 0.5, "start": 3, "end": 7}


@pytest.mark.parametrize(
    ("outputs", "answer"),
    [
        (LABELS, {"label": "b", "probabilities": {"b": 0.75, "a": 0.25}}),
        (LABELS | {"selected": [True, False]}, {"labels": ["b"], "probabilities": {"b": 0.75, "a": 0.25}}),
        (SPANS | {"labels": ["CITY", ""]}, {"tags": [SPAN]}),
        (
            SPANS | {"tags": ["NOUN", ""]},
            {"tags": [{"tag" if k == "label" else k: v for k, v in (SPAN | {"label": "NOUN"}).items()}]},
        ),
        (
            SPANS | {"labels": ["CITY", ""], "label": "ask", "probability": 0.9},
            {"label": "ask", "probability": 0.9, "tags": [SPAN]},
        ),
        (
            {"answer": "", "start": -1, "end": -1, "score": 0.6},
            {"answer": "", "start": None, "end": None, "score": 0.6},
        ),
        ({"answer": "x", "start": 0, "end": 1, "score": 0.6}, {"answer": "x", "start": 0, "end": 1, "score": 0.6}),
        (
            {"text": "a b", "guesses": [["b", "c"], ["", ""]], "scores": [[0.6, 0.4], [0.0, 0.0]]},
            {"text": "a b", "masks": [{"b": 0.6, "c": 0.4}]},
        ),
        ({"vector": [0.5, 1.0]}, {"vector": [0.5, 1.0]}),
    ],
)
def test_fields(outputs, answer):
    assert RowAnswers().answer_fields(outputs) == answer


def test_columns():
    columns = {"label": "b", "probability": 0.75, "probability_a": 0.25, "probability_b": 0.75}
    assert RowAnswers().answer_columns(LABELS) == columns
    multiple = RowAnswers().answer_columns({**LABELS, "selected": [True, True]})
    assert multiple == {"labels": "b;a", "probability_a": 0.25, "probability_b": 0.75}
    assert RowAnswers().answer_columns({"score": 1.5}) == {"score": 1.5}
