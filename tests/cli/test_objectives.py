"""Every objective of the catalog on the command line: its hint, and its answers as JSON and as files."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from catalog_models import save_untrained

import zoo
from zoo import catalog

OBJECTIVES = catalog.names("objectives")
TEXT = 'My order, a "Cobble" doormat,\nis late.'  # what CSV and JSON must quote
VALUES = {"text_pair": "Where is it?", "question": "What is late?", "context": TEXT, "instruction": "Answer it."}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A function that returns the model folder of an objective, which it makes once."""
    folder, made = tmp_path_factory.mktemp("models"), {}

    def model_of(name):
        if name not in made:
            made[name] = save_untrained(name, folder)
        return made[name]

    return model_of


def inputs_of(name):
    """{field: text} for the model of an objective."""
    fields = catalog.load("objectives", name)().fields
    return {field: VALUES.get(field, f"{TEXT}{fields.contains}") for field in fields.inputs}


def untruncated(err):
    """Messages without that on texts longer than the model's length, of which some objectives have few tokens."""
    return re.sub(r"(?m)^Truncated: .*\n", "", err)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_json_of_arguments_and_of_a_file(cli, models, name):
    inputs, model = inputs_of(name), models(name)
    result = cli("predict", model, *inputs.values(), "--json")
    assert (result.status, untruncated(result.err)) == (0, "")
    answer = json.loads(result.out)
    assert {field: answer[field] for field in inputs} == inputs
    assert answer.keys() > inputs.keys()
    Path("file.jsonl").write_text(json.dumps(inputs) + "\n")
    result = cli("predict", model, "--file", "file.jsonl", "--json")
    assert (result.status, untruncated(result.err)) == (0, "")
    (line,) = result.out.splitlines()
    assert json.loads(line).keys() == answer.keys()
    assert {field: json.loads(line)[field] for field in inputs} == inputs


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_hint_is_a_command_that_runs(cli, models, name):
    hint = zoo.load(models(name)).objective.example_command(models(name))
    result = cli(*shlex.split(hint)[1:], stdin=b"Hello\n")
    assert result.status == 0, result.err
    assert result.out


@pytest.mark.parametrize("name", OBJECTIVES)
def test_output_files_keep_ids_and_columns(cli, models, name):
    """Also columns of the names that the answer has."""
    columns = {"id": "7", "customer": "Ann, of Oslo", "label": "mine", **inputs_of(name)}
    rows = [columns, columns | {"id": "8"}]
    Path("file.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for output in ("out.csv", "out.jsonl", "out.parquet"):
        result = cli("predict", models(name), "--file", "file.jsonl", "--output", output)
        assert (result.status, result.out) == (0, "")
        assert result.err.startswith("Columns left unread: customer. This model reads ")
        assert result.err.endswith(f"Saved in {output}.\n")
    with open("out.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    arrow = pytest.importorskip("pyarrow.parquet").read_table("out.parquet").to_pylist()
    for result in (table, lines, arrow):
        assert [{column: row[column] for column in columns} for row in result] == rows
        assert all(len(row) > len(columns) for row in result)


def test_columns_of_classifiers(cli, models):
    Path("file.csv").write_text("id,text,label\n1,where is it,delivery\n")
    assert cli("predict", models("classify_text"), "--file", "file.csv", "--output", "out.csv").status == 0
    (row,) = csv.DictReader(Path("out.csv").read_text().splitlines())
    labels = zoo.load(models("classify_text")).objective.labels
    columns = ["predicted_label", "probability", *(f"probability_{label}" for label in labels)]
    assert list(row) == ["id", "text", "label", *columns]
    assert row["probability"] == row[f"probability_{row['predicted_label']}"]
    assert sum(float(row[f"probability_{label}"]) for label in labels) == pytest.approx(1)


def test_squad_becomes_predictions_by_id(cli, models, check_refused):
    questions = [{"id": f"q{i}", "question": "What is late?", "answers": []} for i in range(3)]
    squad = {"data": [{"paragraphs": [{"context": TEXT, "qas": questions}]}]}
    Path("squad.json").write_text(json.dumps(squad))
    assert cli("predict", models("find_span"), "--file", "squad.json", "--output", "predictions.json").status == 0
    predictions = json.loads(Path("predictions.json").read_text())
    assert list(predictions) == ["q0", "q1", "q2"]
    assert all(answer in TEXT for answer in predictions.values())
    command = ("predict", models("classify_text"), "some text", "--output", "predictions.json")
    check_refused("ending .csv or .jsonl or .parquet. Received: predictions.json", cli, *command)
    Path("plain.jsonl").write_text('{"question": "What?", "context": "Some text."}\n')
    command = ("predict", models("find_span"), "--file", "plain.jsonl", "--output", "other.json")
    check_refused("Expected a column 'id' for a .json file of answers.", cli, *command)


def test_an_output_file_is_replaced_only_by_force(cli, models, check_refused):
    command = ("predict", models("classify_text"), "where is it", "--output", "out.csv")
    assert cli(*command).status == 0
    before = Path("out.csv").read_text()
    check_refused("Received: out.csv, which exists: --force replaces it.", cli, *command)
    assert cli(*command[:2], "another text", "--output", "out.csv", "--force").status == 0
    assert Path("out.csv").read_text() != before
    check_refused("Expected --json or --output, not both.", cli, *command, "--json")
    check_refused("Expected --output beside --force.", cli, *command[:3], "--force")
    check_refused("Received: out.cvs. Did you mean '.csv'?", cli, *command[:3], "--output", "out.cvs")


def test_a_run_that_fails_leaves_no_output(cli, models):
    """A broken row after rows that were predicted already, with which the same command begins once it is mended."""
    lines = [json.dumps({"text": "where is it"})] * 2000
    Path("file.jsonl").write_text("\n".join([*lines, "{"]) + "\n")
    command = ("predict", models("classify_text"), "--file", "file.jsonl", "--output", "out.csv")
    result = cli(*command)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "Received: '{'" in result.err
    assert "file.jsonl:2001" in result.err
    assert result.err.endswith("The first 1,024 rows are in out.csv.partial: the same command continues.\n")
    assert not Path("out.csv").exists()
    Path("file.jsonl").write_text("\n".join([*lines, '{"text": "a", "extra": 1}']) + "\n")
    assert "Received: another, 'extra'. Write a .jsonl file." in cli(*command).err
    Path("file.jsonl").write_text("\n".join(lines) + "\n")
    assert cli(*command).status == 0
    assert sorted(path.name for path in Path().iterdir()) == ["file.jsonl", "out.csv"]
