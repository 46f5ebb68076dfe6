"""Annotations of Label Studio, spaCy, doccano and brat: the same sentences from every format, and what is not read."""

import json

import pytest

from zoo.data.opening import open_dataset, readers
from zoo.runtime.errors import UserError

TEXTS = ["😀 Ann Lee lives in Rome.", "No name is in here.", "Bob moved to New York"]
SPANS = [[[2, 9, "PER"], [19, 23, "LOC"]], [], [[0, 3, "PER"], [13, 21, "LOC"]]]
RECORDS = [
    {
        "tokens": ["😀", "Ann", "Lee", "lives", "in", "Rome", "."],
        "tags": ["O", "B-PER", "I-PER", "O", "O", "B-LOC", "O"],
    },
    {"tokens": ["No", "name", "is", "in", "here", "."], "tags": ["O"] * 6},
    {"tokens": ["Bob", "moved", "to", "New", "York"], "tags": ["B-PER", "O", "O", "B-LOC", "I-LOC"]},
]


def read(path, **settings):
    """The tokens and tags of all records, and the other fields."""
    dataset = open_dataset(path, split_strategy="", **settings)
    records = [record for split in dataset.splits for record in dataset.records(split)]
    words = [{name: record[name] for name in ("tokens", "tags") if name in record} for record in records]
    return words, records


def utf_16(text, offset):
    return len(text[:offset].encode("utf-16-le")) // 2


def task(number, text, spans, *results):
    """A task of Label Studio; its offsets count UTF-16 code units, as JavaScript does."""
    values = [
        {"start": utf_16(text, start), "end": utf_16(text, end), "text": text[start:end], "labels": [label]}
        for start, end, label in spans
    ]
    result = [{"type": "labels", "from_name": "ner", "to_name": "text", "value": value} for value in values]
    annotations = [{"was_cancelled": True, "result": []}, {"result": [*result, *results]}]
    return {"id": number, "data": {"text": text, "source": "mail"}, "annotations": annotations, "predictions": []}


def choices(*labels, name="mood"):
    return {"type": "choices", "from_name": name, "to_name": "text", "value": {"choices": list(labels)}}


def test_label_studio(tmp_path, capsys):
    more = [
        choices("glad"),
        {"type": "rating", "from_name": "stars", "value": {"rating": 4}},
        {"type": "textarea", "from_name": "note", "value": {"text": ["a", "b"]}},
        {"type": "relation", "from_id": "x", "to_id": "y"},
        {"type": "relation", "from_id": "y", "to_id": "x"},
    ]
    tasks = [task(i, text, spans, *more) for i, (text, spans) in enumerate(zip(TEXTS, SPANS, strict=True))]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    words, records = read(path)
    assert words == RECORDS
    assert [(record["label"], record["labels"], record["id"]) for record in records][2] == ("glad", ["glad"], "2")
    assert capsys.readouterr().err == f"Not read from {path}: results of type relation.\n"
    _, records = read(path, columns={"label": "stars", "source": "source", "target": "note"})
    assert (records[0]["label"], records[0]["source"], records[0]["target"]) == ("4", "mail", "a\nb")


def test_several_choices_and_annotators_of_label_studio(tmp_path, capsys):
    first = task(0, "good and bad", [], choices("a", "b"))
    second = task(1, "good", [], choices("a"), choices("x", name="topic"))
    second["annotations"].append({"result": [choices("b")]})
    unlabelled = task(2, "good", []) | {"annotations": []}
    path = tmp_path / "export.json"
    path.write_text(json.dumps([first, second, unlabelled]))
    _, (first, second, unlabelled) = read(path)
    assert first["labels"] == ["a", "b"]
    assert "label" not in first
    assert "label" not in second  # two questions: their names are columns
    assert "label" not in unlabelled
    assert "tokens" not in unlabelled  # no annotation is not the same as an annotation without spans
    assert "second and later annotations of a task" in capsys.readouterr().err
    with pytest.raises(UserError, match="Expected a column 'mood' at .* record 3"):
        read(path, columns={"labels": "mood"})


def test_the_small_export_of_label_studio(tmp_path):
    """JSON_MIN has the data and the results of a task side by side."""
    rows = [
        {
            "id": i,
            "text": text,
            "label": [{"start": a, "end": b, "text": text[a:b], "labels": [c]} for a, b, c in spans],
        }
        for i, (text, spans) in enumerate(zip(TEXTS, SPANS, strict=True))
    ]
    path = tmp_path / "min.json"
    path.write_text(json.dumps(rows))
    assert read(path, required=("tokens", "tags"), optional=("text", "spans"))[0] == RECORDS


@pytest.mark.parametrize("name", ["spacy.json", "spacy.jsonl"])
def test_spacy_s_pairs(tmp_path, capsys, name):
    rows = [
        [text, {"entities": spans, "cats": {"a": 0.9, "b": 0}, "links": {}}]
        for text, spans in zip(TEXTS, SPANS, strict=True)
    ]
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, rows)) if name.endswith("l") else json.dumps(rows))
    words, records = read(path)
    assert words == RECORDS
    assert records[0]["label"] == "a"
    assert capsys.readouterr().err == f"Not read from {path}: links.\n"


@pytest.mark.parametrize("column", ["label", "labels", "entities"])
def test_doccano(tmp_path, column):
    rows = [{"id": 7, "text": text, column: spans, "Comments": []} for text, spans in zip(TEXTS, SPANS, strict=True)]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read(path, required=("tokens", "tags"), optional=("text", "spans"))[0] == RECORDS


def test_doccano_with_relations(tmp_path, capsys):
    entities = [[{"id": 1, "label": c, "start_offset": a, "end_offset": b} for a, b, c in spans] for spans in SPANS]
    rows = [{"text": t, "entities": e, "relations": [{"id": 1}]} for t, e in zip(TEXTS, entities, strict=True)]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read(path)[0] == RECORDS
    assert capsys.readouterr().err == f"Not read from {path}: relations.\n"


@pytest.fixture
def brat(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number, (text, spans) in enumerate(zip(TEXTS, SPANS, strict=True)):
        (folder / f"doc{number}.txt").write_text(text, encoding="utf-8")
        lines = [f"T{i}\t{label} {start} {end}\t{text[start:end]}\n" for i, (start, end, label) in enumerate(spans, 1)]
        (folder / f"doc{number}.ann").write_text("".join(lines), encoding="utf-8")
    return folder


def test_brat(brat, capsys):
    more = "R1\tLives Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tsure\nT9\tPER 0 3;10 12\tBob to\n"
    file = brat / "doc2.ann"
    file.write_text(file.read_text() + more)
    words, records = read(brat)
    assert words == RECORDS
    assert [record["id"] for record in records] == ["doc0", "doc1", "doc2"]
    message = capsys.readouterr().err
    for name in ("relations", "notes", "entities of several parts"):
        assert f"Not read from {brat}: {name}.\n" in message
    fingerprint = open_dataset(brat, split_strategy="").fingerprint("train")
    (brat / "doc1.txt").write_text("Another name is in here.")
    assert open_dataset(brat, split_strategy="").fingerprint("train") != fingerprint


def test_splits_of_brat(brat, tmp_path):
    for split in ("train", "dev"):
        (tmp_path / "splits" / split).mkdir(parents=True)
        for file in brat.iterdir():
            (tmp_path / "splits" / split / file.name).write_bytes(file.read_bytes())
    dataset = open_dataset(tmp_path / "splits")
    assert dataset.splits == ("train", "validation")
    assert len(list(dataset.records("validation"))) == 3


def test_broken_brat(brat):
    (brat / "doc0.ann").write_text("T1\tPER zero 3\tAnn\n")
    with pytest.raises(UserError, match=r"Expected an annotation such as T1.*doc0.ann:1. Received: 'T1"):
        read(brat)
    assert len(read(brat, skip_invalid=True)[0]) == 2
    (brat / "doc0.txt").unlink()
    with pytest.raises(UserError, match=r"doc0.txt', which does not exist"):
        read(brat)


def test_doc_bin(tmp_path, capsys):
    spacy = pytest.importorskip("spacy")
    nlp, docs = spacy.blank("en"), spacy.tokens.DocBin(store_user_data=True)
    for text, spans in zip(TEXTS, SPANS, strict=True):
        doc = nlp(text)
        doc.ents = [doc.char_span(*span) for span in spans]
        doc.cats, doc.spans["sc"] = {"a": 1.0, "b": 0.0}, [doc[0:1]]
        docs.add(doc)
    path = tmp_path / "train.spacy"
    docs.to_disk(path)
    words, records = read(path)
    assert words == RECORDS
    assert records[0]["label"] == "a"
    assert "the span group 'sc'" in capsys.readouterr().err
    path.write_bytes(b"broken")
    with pytest.raises(UserError, match=r"Expected a DocBin of spaCy in .*train.spacy"):
        read(path)


def test_doc_bin_without_spacy(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "spacy", None)
    (tmp_path / "train.spacy").write_bytes(b"x")
    with pytest.raises(UserError, match=r'pip install "keras-text-zoo\[spacy\]"'):
        read(tmp_path / "train.spacy")


def test_no_reader_of_files_takes_a_folder(tmp_path):
    (tmp_path / "x.csv").mkdir()
    assert not [reader for reader in readers() if reader.handles(str(tmp_path / "x.csv"))]


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        (
            {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]},
            [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
            [{"role": "user", "content": "a\nb"}],
        ),
    ],
)
def test_conversations_of_sharegpt_and_openai(tmp_path, row, messages):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(row))
    assert read(path)[1] == [{"messages": messages}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"conversations": [{"from": "robot", "value": "hi"}]},
            "Expected a role among system, .*robot",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "Expected a text at .*message 1"),
    ],
)
def test_other_conversations_are_refused(tmp_path, row, message):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(UserError, match=message):
        read(path)
