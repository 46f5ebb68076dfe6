"""A training run parses each row of its source twice at most, and later reads records and encodings from disk."""

import json
from collections import Counter
from dataclasses import replace

import pytest

import zoo
from zoo.data import read_ahead
from zoo.data.cached_tokenizer import CachedTokenizer
from zoo.data.opening import open_dataset
from zoo.objectives.next_token import NextToken
from zoo.readers import Reader, Source, _reader, jsonl
from zoo.readers import json as json_reader
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.bytes import Bytes

COUNT = 200


def rows():
    return [{"text": f"a {'good' if i % 2 else 'bad'} film {i}", "label": "ab"[i % 2]} for i in range(COUNT)]


class CountingReader(Reader):
    """A reader like that of TFDS, which counts how often each row is parsed."""

    def __init__(self):
        self.parsed = Counter()

    def handles(self, spec):
        return spec.startswith("counted:")

    def sources(self, spec, errors):
        splits = [split for split in spec.removeprefix("counted:").split(",") if split]
        return {split: self._source(split) for split in splits or [""]}

    def _source(self, split):
        return Source(f"counted:{split}", lambda: self._rows(split), lambda: f"same {split}", count=lambda: COUNT)

    def _rows(self, split):
        for number, row in enumerate(rows()):
            self.parsed[split, number] += 1
            yield f"counted:{split} {number}", row


@pytest.fixture
def reader(monkeypatch):
    reader = CountingReader()
    monkeypatch.setitem(_reader.REGISTERED, "counted", lambda: reader)
    return reader


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """(path of a JSONL file, number of times that each of its lines was parsed)."""
    path, parsed, parse = tmp_path / "all.jsonl", Counter(), jsonl.row_of_line
    path.write_text("\n".join(map(json.dumps, rows())))

    def counted(line, path, number):
        parsed[number] += 1
        return parse(line, path, number)

    monkeypatch.setattr(jsonl, "row_of_line", counted)
    return path, parsed


@pytest.mark.parametrize("tokenizer", [None, Bytes()])
def test_a_file_without_splits(tiny, tmp_path, lines, tokenizer):
    path, parsed = lines
    pipeline = zoo.train(replace(tiny, tokenizer=tokenizer or tiny.tokenizer), data=path, to=tmp_path / "m")
    assert len(parsed) == COUNT
    assert max(parsed.values()) == 2
    assert pipeline.scores["test"]["accuracy"] > 0.9


@pytest.mark.parametrize("splits", [False, True])
def test_a_json_file(tiny, tmp_path, monkeypatch, splits):
    parsed, load = [], json_reader._load
    value = rows() if not splits else {"train": rows(), "val": rows()[:50], "test": rows()[50:]}
    (tmp_path / "all.json").write_text(json.dumps(value))
    monkeypatch.setattr(json_reader, "_load", lambda *arguments: parsed.append(1) or load(*arguments))
    zoo.train(tiny, data=tmp_path / "all.json", to=tmp_path / "m")
    assert len(parsed) == 2


@pytest.mark.parametrize("splits", ["", "train,validation,test", "train,test"])
def test_a_source_like_tfds(tiny, tmp_path, reader, splits):
    zoo.train(tiny, data=f"counted:{splits}", to=tmp_path / "m")
    assert len(reader.parsed) == COUNT * max(len(splits.split(",")), 1)
    assert max(reader.parsed.values()) == 2


def test_running_text_whose_splits_are_at_its_end(tiny, tmp_path, lines):
    path, parsed = lines
    architecture = zoo.catalog.load("architectures", "lstm")(width=8, depth=1, units=8)
    preset = replace(tiny, architecture=architecture, objective=NextToken(length=16))
    zoo.train(preset, data=path, to=tmp_path / "m", overrides=["training.max_steps=2", "training.validate_every=1"])
    assert len(parsed) == COUNT
    assert max(parsed.values()) == 2


def test_what_is_cached_is_not_parsed_again(tiny, tmp_path, lines):
    path, parsed = lines
    zoo.train(tiny, data=path, to=tmp_path / "m")
    parsed.clear()
    zoo.train(tiny, data=path, to=tmp_path / "other")
    assert max(parsed.values()) == 1


def test_validation_reads_its_encodings_from_disk(tiny, tmp_path, lines, monkeypatch):
    encoded, encode = [], Tokenizer._ids_and_offsets

    def counted(self, texts):
        encoded.append(type(self))
        return encode(self, texts)

    monkeypatch.setattr(Tokenizer, "_ids_and_offsets", counted)
    zoo.train(tiny, data=lines[0], to=tmp_path / "m", overrides=["training.epochs=3"])
    assert encoded.count(CachedTokenizer) == 2  # once for validation, once for the test


def test_rows_read_ahead_are_not_parsed_again(reader, monkeypatch):
    source = reader.sources("counted:", "strict")[""]
    ahead = read_ahead.ReadAhead(source)
    for _ in range(2):
        iterator = ahead.ahead()
        assert [next(iterator)[1] for _ in range(5)] == rows()[:5]
    assert [row for _, row in ahead.rows()] == [row for _, row in ahead.rows()] == rows()
    assert max(reader.parsed.values()) == 2
    monkeypatch.setattr(read_ahead, "MOST", 10)
    assert [row for _, row in read_ahead.ReadAhead(source).ahead()] == rows()


def test_only_fields_that_are_asked_for_are_formed(lines):
    dataset = open_dataset(lines[0], required=("text",), optional=("ending",))
    assert all(record.keys() == {"text"} for split in dataset.splits for record in dataset.records(split))


def test_splits_of_one_source_come_interleaved(reader):
    dataset = open_dataset("counted:")
    visited = [(split, record["text"]) for split, _, record in dataset.visit()]
    assert [text for _, text in visited] == [row["text"] for row in rows()]
    for split in dataset.splits:
        assert [text for name, text in visited if name == split] == [r["text"] for r in dataset.records(split)]
