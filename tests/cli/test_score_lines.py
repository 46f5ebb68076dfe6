"""Lines below a score, of `zoo train` and of `zoo evaluate`."""

import json
import re
from pathlib import Path

from zoo.cli.score_lines import comparison_lines
from zoo.pipeline.score_comparison import ScoreComparison


def test_lines():
    baselines = {"accuracy": {"chance": 0.5, "TF-IDF": 0.81234}, "bleu": {"a copy": 0.1}}
    comparison = ScoreComparison("accuracy", 0.9, 1234, "a.tsv", (0.85, 0.95), baselines)
    assert list(comparison_lines(comparison)) == [
        "accuracy of chance 0.5000, of TF-IDF 0.8123",
        "bleu of a copy 0.1000",
        "accuracy is between 0.8500 and 0.9500 (95 %, 1,234 records of a.tsv)",
    ]
    assert list(comparison_lines(ScoreComparison("perplexity", 20.0, 1, "a.txt"))) == ["1 record of a.txt"]
    assert list(comparison_lines(None)) == []


def test_training_prints_baselines_intervals_and_records(train, data):
    lines = train(data).out.splitlines()
    splits = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert splits == ["validation", "test"]
    number = r"[\d.]+"
    assert re.fullmatch(f"  accuracy of chance {number}, of TF-IDF with logistic regression {number}", lines[1])
    source = r"2 records of data.tsv \(validation split, derived with seed 0\)"
    assert re.fullmatch(rf"  accuracy is between {number} and {number} \(95 %, {source}\)", lines[2])


def test_evaluation_prints_the_baselines_of_the_same_records_only(cli, train, data):
    training = train(data).out.splitlines()
    assert cli("evaluate", "model").out.splitlines()[-3:] == [training[3].removeprefix("test: "), *training[4:]]
    Path("other.tsv").write_text(Path(data).read_text() + "fine film\tgood\n")
    other = cli("evaluate", "model", "--data", "other.tsv").out.splitlines()
    assert other[-2].startswith("accuracy ")
    assert other[-1].endswith("(95 %, 21 records of other.tsv)")
    (line,) = cli("evaluate", "model", "--json").out.splitlines()
    values = json.loads(line)["comparison"]
    assert values["records"] == 2
    assert set(values["baselines"]["accuracy"]) == {"chance", "TF-IDF with logistic regression"}
