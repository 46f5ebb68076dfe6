"""The worst mistakes of a model, a table whose rows may lack cells; and a model card that fails."""

import csv
import io

import numpy as np

import zoo
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.translate import Translate
from zoo.training import publishing
from zoo.training.callbacks import to_csv
from zoo.training.markdown import markdown_table
from zoo.training.mistakes import worst_mistakes


def decision(text, loss):
    return {"text": text, "losses": np.array([loss])}


def test_the_worst_answer_is_an_empty_text():
    records = [{"source": "a", "target": "b"}, {"source": "c", "target": "d"}, {"source": "e", "target": "f"}]
    rows = worst_mistakes(Translate(), [decision("x", 1.0), decision("", 3.0), decision("y", 2.0)], records)
    assert [row["prediction"] for row in rows] == ["", "y", "x"]
    assert next(csv.DictReader(io.StringIO(to_csv(rows))))["target"] == "d"
    rows = worst_mistakes(Translate(), [decision("", 1.0), decision("", 3.0)], records[:2])
    assert "prediction" not in rows[0]


def test_records_of_several_forms():
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    records = [{"messages": messages}, {"instruction": "c", "output": "d"}]
    rows = worst_mistakes(FollowInstructions(), [decision("x", 3.0), decision("y", 1.0)], records)
    assert rows[0].keys() == rows[1].keys()
    assert (rows[0]["instruction"], rows[1]["instruction"]) == ("", "c")


def test_a_row_without_a_cell():
    rows = [{"a": 1}, {"b": 2, "a": 3}]
    assert to_csv(rows) == "a,b\n1,\n3,2\n"
    assert markdown_table(rows) == "| a | b |\n| --- | --- |\n| 1 |  |\n| 3 | 2 |"


def test_a_card_that_fails_does_not_cost_the_model(tiny, tmp_path, monkeypatch, capsys):
    def fail(folder, result):
        raise KeyError("prediction")

    monkeypatch.setattr(publishing, "write_card", fail)
    zoo.train(tiny, to=tmp_path / "m", overrides=["training.epochs=1"])
    message = capsys.readouterr().err
    assert "m is saved without all of its model card: KeyError: 'prediction'." in " ".join(message.split())
    assert zoo.load(tmp_path / "m").scores["test"]
