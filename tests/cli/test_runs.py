"""`zoo show`, `zoo runs`, `zoo compare` and `zoo search`: tables and JSON, intervals, resumed studies."""

import json
from pathlib import Path

import pytest

TINY = ("architecture=averaging", "architecture.width=8", "objective.length=16")


@pytest.fixture
def trained(cli, reviews):
    """Two models of one task, "saved/a" of one epoch and "saved/b" of six."""
    for name, epochs in {"a": 1, "b": 6}.items():
        settings = (*TINY, f"training.epochs={epochs}", "training.learning_rate=2e-2", "training.ema=0")
        result = cli("train", "text_cnn_sst2", *settings, "--data", reviews, "--to", f"saved/{name}")
        assert result.status == 0, result.err
    return "saved/a", "saved/b"


def test_show_every_field_of_a_preset(cli):
    result = cli("show", "mlp_helpdesk")
    assert result.status == 0
    assert "training.epochs=30 *" in result.out
    rows = [json.loads(line) for line in cli("show", "mlp_helpdesk", "--json").out.splitlines()]
    (rate,) = [row for row in rows if row["setting"] == "training.learning_rate"]
    assert rate == {
        "setting": "training.learning_rate",
        "value": 0.003,
        "type": "float",
        "default": 0.001,
        "meaning": "peak of the schedule",
    }
    assert {row["setting"].partition(".")[0] for row in rows} == {
        "architecture",
        "objective",
        "tokenizer",
        "data",
        "training",
        "lora",
        "tuning",
    }


def test_show_what_is_neither(cli, check_refused):
    check_refused("Unknown preset...'mlp_helpdsk'. Did you mean 'mlp_helpdesk'?", cli, "show", "mlp_helpdsk")
    Path("empty").mkdir()
    check_refused("empty, a folder without preset.json", cli, "show", "empty")


def test_runs_and_compare(cli, trained, check_refused):
    rows = [json.loads(line) for line in cli("runs", "saved", "--sort", "score", "--json").out.splitlines()]
    assert [row["folder"] for row in rows] == ["saved/b", "saved/a"]
    assert [(row["state"], row["preset"], row["epochs"]) for row in rows] == [
        ("finished", "text_cnn_sst2", 6.0),
        ("finished", "text_cnn_sst2", 1.0),
    ]
    assert rows[0]["score"] == json.loads(Path("saved/b/scores.json").read_text())["test"]["accuracy"]
    Path("saved/b").rename("saved/c.running")
    rows = [json.loads(line) for line in cli("runs", "saved", "--json").out.splitlines()]
    assert {row["folder"] for row in rows} == {"saved/a", "saved/c.running"}
    Path("saved/c.running").rename("saved/b")

    comparison = json.loads(cli("compare", *trained, "--json").out)
    assert comparison["settings"] == {"training.epochs": [1, 6]}
    assert comparison["records"] == 32
    accuracy = comparison["scores"]["accuracy"]
    assert accuracy["first"] == json.loads(Path("saved/a/scores.json").read_text())["test"]["accuracy"]
    assert accuracy["low"] <= accuracy["second"] - accuracy["first"] <= accuracy["high"]
    gains = sum(change["gain"] for change in comparison["changes"])
    assert gains / 32 == pytest.approx(accuracy["second"] - accuracy["first"])
    assert cli("compare", *trained, "--json").out == json.dumps(comparison, ensure_ascii=False) + "\n"
    same = cli("compare", "saved/b", "saved/b")
    assert "answers that changed: 0 of 32" in same.out
    assert "training.epochs: 1 -> 6" in cli("compare", *trained).out

    check_refused("nowhere, which does not exist", cli, "runs", "nowhere")
    check_refused("Unknown sort...Did you mean 'score'", cli, "runs", "saved", "--sort", "scores")


def test_search_continues_and_refuses_another_search(cli, reviews, check_refused):
    def search(*arguments):
        return cli("search", "text_cnn_sst2", *TINY, "training.epochs=1", *arguments, "--data", reviews, "--to", "s")

    ranges = ("training.learning_rate=log(1e-3,1e-1)", "objective.pooling=mean,max", "training.batch_size=8..32")
    first = search(*ranges, "--trials", "2")
    assert first.status == 0, first.err
    assert first.out.splitlines()[-1].startswith("zoo train text_cnn_sst2 architecture=averaging")
    again = search(*ranges, "--trials", "3", "--json")
    rows = [json.loads(line) for line in again.out.splitlines()]
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert "2 of 3 trials are done" in again.err
    for row in rows:
        assert 1e-3 <= row["params"]["training.learning_rate"] <= 1e-1
        assert row["params"]["objective.pooling"] in ("mean", "max")
        assert row["params"]["training.batch_size"] in range(8, 33)
        assert row["score"] == row["scores"]["validation"]["accuracy"]
    assert {"study.db", "trials.csv", "trials.png", "trial-0", "trial-2"} <= {path.name for path in Path("s").iterdir()}
    check_refused("Expected the search of s: ranges=", search, "training.learning_rate=log(1e-3,1e-2)")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.learning_rate=log(1e-1,1e-3)", "Expected the lower number first, above 0 with log"),
        ("training.epochs=0.5..2", "Expected a whole number for training.epochs. Received: '0.5'"),
        ("training.epoch=1..2", "Did you mean 'epochs'?"),
        ("training.schedule=1..2", "Expected a range of numbers for a field that is a number"),
        ("training.schedul=linear,cosine", "Did you mean 'schedule'?"),
        ("training.batch_size=8,many", "Expected a whole number for training.batch_size. Received: 'many'"),
        ("training.epochs=3", "Expected a range to search"),
    ],
)
def test_bad_ranges(cli, check_refused, reviews, assignment, message):
    check_refused(message, cli, "search", "mlp_snips", assignment, "--data", reviews)


def test_choices_of_a_field_that_is_a_list():
    from zoo.catalog import load
    from zoo.training.search_space import search_space

    preset = load("presets", "text_cnn_sst2")
    fixed, (dimension,) = search_space(preset, ["architecture.kernels=1,2", "tokenizer.lower=true,false"])
    assert fixed == ["architecture.kernels=1,2"]
    assert dimension.choices == ("true", "false")
    _, (dimension,) = search_space(preset, ["architecture.kernels=1,2;3"])
    assert dimension.choices == ("1,2", "3")
