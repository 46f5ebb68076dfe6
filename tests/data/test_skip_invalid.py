"""Rows that cannot be used: an error that names --skip, or left out with a count for each reason, in every pass."""

import dataclasses
import json

import pytest

import zoo
from zoo import catalog
from zoo.data.opening import first_row, open_dataset
from zoo.runtime.errors import RowError, UserError


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path, **settings):
    dataset = open_dataset(path, split_strategy="", skip_invalid=True, **settings)
    return [record for split in dataset.splits for record in dataset.records(split)]


def test_a_table(tmp_path, capsys):
    path = write(tmp_path / "a.csv", ["text,label", "one,a", "two", "three,", "four,b,c", "five,b", "six,"])
    assert [record["text"] for record in read(path)] == ["one", "five"]
    assert capsys.readouterr().err == (
        f"Skipped in {path}: 4 rows: 2 with a wrong number of fields (the first at {path}:3); "
        f"2 with an empty label (the first at {path}:4).\n"
    )


def test_json_lines(tmp_path, capsys):
    rows = ['{"text": "one"}', '{"text": ', "[1]", '{"txt": "four"}', '{"text": {"a": 1}}', '{"text": "six"}']
    path = write(tmp_path / "a.jsonl", rows)
    assert [record["text"] for record in read(path, required=("text",))] == ["one", "six"]
    message = capsys.readouterr().err
    assert message.startswith(f"Skipped in {path}: 4 rows: ")
    for number, reason in enumerate(["broken JSON", "JSON that is no object", "a missing column", "a value of the"], 2):
        assert f"1 with {reason}" in message
        assert f"(the first at {path}:{number})" in message


@pytest.mark.parametrize(
    ("name", "lines", "count"),
    [
        ("a.conll", ["a\tO", "", "b", "", "c\tO"], 2),
        ("a.conllu", ["\t".join("1axNxxxxxx"), "", "1\ta", "", "\t".join("1axNxxxxxx")], 2),
        ("a.json", ['[{"text": "a"}, 3, ["b", "c"]]'], 2),
    ],
)
def test_other_formats(tmp_path, capsys, name, lines, count):
    path = write(tmp_path / name, lines)
    assert len(read(path)) == count
    assert "Skipped in" in capsys.readouterr().err
    with pytest.raises(RowError):
        list(open_dataset(path, split_strategy="").records("train"))


def test_no_row_that_can_be_used(tmp_path, capsys):
    path = write(tmp_path / "a.csv", ["text,label", "one,", "two,"])
    with pytest.raises(UserError, match=r"Expected records in .*a.csv. Received: none that can be used"):
        read(path)
    assert "2 with an empty label" in capsys.readouterr().err


def test_a_missing_column_of_the_header_is_never_skipped(tmp_path):
    path = write(tmp_path / "a.csv", ["text,lable", "one,a"])
    with pytest.raises(UserError, match="Expected a column 'label' in the header"):
        read(path, required=("text", "label"))


def test_the_first_row_that_can_be_read(tmp_path):
    path = write(tmp_path / "a.jsonl", ["{", '{"text": "b"}'])
    assert first_row(path) == {"text": "b"}


@pytest.fixture
def holes(reviews, tmp_path):
    """The folder of `reviews` with four rows in each split that cannot be used."""
    folder = tmp_path / "holes"
    folder.mkdir()
    for file in reviews.iterdir():
        header, *rows = file.read_text().splitlines()
        write(folder / file.name, [header, "  \tgood", *rows, "no label\t", "one field", "\tbad"])
    return folder


def train(tiny, spec, to, *overrides):
    training = dataclasses.replace(tiny.training, epochs=1)
    preset = dataclasses.replace(tiny, training=training)
    return zoo.train(preset, to=to, data=spec, overrides=list(overrides))


def test_training_leaves_out_the_same_rows_in_every_pass(tiny, holes, reviews, tmp_path, capsys):
    skipped = train(tiny, holes, tmp_path / "a", "data.skip_invalid=True")
    message = capsys.readouterr().err
    complete = train(tiny, reviews, tmp_path / "b")
    assert skipped.scores == complete.scores
    assert skipped.evaluate() == complete.evaluate()
    assert skipped.evaluate(holes, skip_invalid=True) == complete.evaluate(reviews)
    for split in ("train", "valid", "test"):
        count = f"4 rows: 2 with an empty text (the first at {holes / split}.tsv:2); 1 with an empty label"
        assert message.count(f"Skipped in {holes / split}.tsv: {count}") == 1


def test_without_the_option_the_message_names_it(tiny, holes, tmp_path):
    with pytest.raises(UserError, match=r"Expected a text at .*train.tsv:2. Received: text='  '. Leave .* --skip\."):
        train(tiny, holes, tmp_path / "a")
    assert not (tmp_path / "a.running").exists()


@pytest.mark.parametrize(
    ("name", "good", "bad", "reason"),
    [
        ("score_pair", {"text": "a", "text_pair": "b", "label": "1"}, {"label": "high"}, "a label that is no number"),
        ("translate", {"source": "a", "target": "b"}, {"target": " "}, "an empty target"),
        ("follow_instructions", {"instruction": "a", "output": "b"}, {"output": ""}, "an empty answer"),
        ("classify_text", {"text": "a", "label": "b"}, {"text": ""}, "an empty text"),
        ("tag_tokens", {"tokens": ["a"], "tags": ["O"]}, {"tokens": [], "tags": []}, "an empty text"),
        (
            "find_span",
            {"context": "a", "question": "b", "answers": []},
            {"context": "", "question": ""},
            "an empty text",
        ),
        ("embed_text", {"text": "a", "text_pair": "b"}, {"text": "", "text_pair": ""}, "an empty text"),
    ],
)
def test_records_that_an_objective_cannot_learn_from(tmp_path, capsys, name, good, bad, reason):
    objective = catalog.create("objectives", name)
    path = write(tmp_path / "a.jsonl", [json.dumps(good), json.dumps(good | bad)])
    fields = {"required": objective.fields.required, "optional": objective.fields.optional}
    assert len(read(path, check=objective.check_record, **fields)) == 1
    assert f"1 with {reason} (the first at {path}:2)" in capsys.readouterr().err
