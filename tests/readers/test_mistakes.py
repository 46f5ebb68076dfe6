"""Every mistake in data is one clear line that names the location and the nearest legal value."""

import gzip
import json
import re

import pytest

from zoo.data.fields import FIELDS
from zoo.data.opening import open_dataset

TABLE = "text\tlabel\ngood\tyes\nbad\tno\n"


def write(path, content):
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read_all(*arguments, **settings):
    dataset = open_dataset(*arguments, **settings)
    return [list(dataset.records(split)) for split in dataset.splits]


def check_refused(message, *arguments, **settings):
    """Checks that opening and reading everything raises one line that has all parts of `message`, in order."""
    pattern = ".*".join(re.escape(part) for part in message.split("..."))
    with pytest.raises(ValueError, match=pattern) as caught:
        read_all(*arguments, **settings)
    assert "\n" not in str(caught.value)


def test_missing_file_names_the_nearest(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    check_refused("Expected a file or folder. Received: path=...trian.tsv'...train.tsv'", tmp_path / "trian.tsv")
    check_refused("Received: path=..., but there is no folder ...nowhere", tmp_path / "nowhere" / "train.tsv")
    check_refused("Expected a file or folder. Received: path='smaple:helpdesk'", "smaple:helpdesk")


def test_unknown_extension_names_the_known(tmp_path):
    file = write(tmp_path / "train.docx", "x")
    known = ".arrow, .bio, .conll, .conllu, .csv, ... .tsv, .txt, ... .xlsb, .xlsm, .xlsx, each also with .gz."
    check_refused(f"Expected a file of a known format. Received: extension '.docx' of ... Known: {known}", file)
    check_refused("Received: extension '.tvs' of ... Did you mean '.tsv'?", write(tmp_path / "train.tvs.gz", "x"))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl", "a.json", "a.txt", "a.conll", "a.conllu", "a.tsv.gz"])
def test_empty_file(tmp_path, name):
    check_refused(
        f"Expected records in ...{name}. Received: an empty file", write(tmp_path / name, ""), split_strategy=""
    )


def test_only_a_header(tmp_path):
    check_refused(
        "Expected records in ...train.tsv. Received: an empty",
        write(tmp_path / "train.tsv", "a\tb\n"),
        split_strategy="",
    )


def test_too_few_records_to_split(tmp_path):
    file = write(tmp_path / "tiny.tsv", "text\na\n")
    check_refused("Expected at least 10 records to derive the ... split from, in ...tiny.tsv", file)


def test_folder_without_splits(tmp_path):
    write(tmp_path / "data.tsv", TABLE)
    check_refused(
        "Expected train, validation and test files (such as train.tsv), or a folder of texts for each class, in the "
        "folder...Received: data.tsv.",
        tmp_path,
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    check_refused("in the folder ...empty. Received: nothing.", empty)


def test_folder_of_parallel_text_tells_how_it_is_named(tmp_path):
    for name in ("train.de.gz", "train.en.gz", "val.de.gz"):
        write(tmp_path / name, "ein Satz\n")
    check_refused(
        'Received: train.de.gz, train.en.gz, val.de.gz. For parallel text: "....{de,en}", source first.', tmp_path
    )


def test_two_files_for_a_split(tmp_path):
    write(tmp_path / "test_a.tsv", TABLE)
    write(tmp_path / "test_b.tsv", TABLE)
    check_refused(
        "Expected one file for the test split in ... Received: test_a.tsv, test_b.tsv. Name one of them.", tmp_path
    )


def test_unknown_split(tmp_path):
    write(tmp_path / "train.tsv", TABLE)
    write(tmp_path / "dev.tsv", TABLE)
    check_refused("Unknown split of ...Received: split='trian'. Did you mean 'train'? Known: tra", f"{tmp_path}#trian")
    with pytest.raises(ValueError, match=r"Received: split='test'. Known: train, validation\."):
        next(open_dataset(tmp_path).records("test"))


def test_missing_column_names_the_nearest_and_how_to_map_it(tmp_path):
    file = write(tmp_path / "train.tsv", "sentence\tlables\na\tb\n")
    message = "Expected a column 'label' in the header of ...train.tsv. Received: columns=['sentence', 'lables']. The n"
    check_refused(message, file, required=("label",))
    check_refused("Map it by --columns label=lables.", file, required=("label",))
    check_refused("Map it by --columns source=NAME.", write(tmp_path / "dev.tsv", "q\n1\n"), required=("source",))


def test_misnamed_column(tmp_path):
    file = write(tmp_path / "train.tsv", TABLE)
    message = "Expected a column 'lable' in the header of ... Received: columns=['text', 'label']. The nearest is 'lab"
    check_refused(message, file, columns={"label": "lable"})
    known = ", ".join(FIELDS)
    message = f"Expected a standard field in columns. Received: 'lable'. Did you mean 'label'? Known: {known}."
    check_refused(message, file, columns={"lable": "label"})


def test_empty_label(tmp_path):
    file = write(tmp_path / "train.tsv", TABLE + "a\t\n")
    check_refused("Expected a label at ...train.tsv:4. Received: label=''.", file, split_strategy="")


def test_broken_utf8(tmp_path):
    file = write(tmp_path / "train.tsv", "text\tlabel\nnaïve\ty\n".encode() + b"caf\xe9\tn\n")
    message = "Expected UTF-8. Received: byte 0xe9 at ...train.tsv:3, byte 4 of the line. ... --errors replace."
    check_refused(message, file, split_strategy="")
    (records,) = read_all(file, errors="replace", split_strategy="")
    assert [record["text"] for record in records] == ["naïve", "caf\ufffd"]
    check_refused("Expected errors to be 'strict' or 'replace'. Received: errors='ignore'.", file, errors="ignore")


def test_nul_byte(tmp_path):
    file = write(tmp_path / "train.tsv", b"text\nok\na\0b\n")
    check_refused("Expected text. Received: a NUL byte at ...train.tsv:3. Is it UTF-16", file, split_strategy="")


def test_truncated_gzip(tmp_path):
    full = gzip.compress(("text\n" + "a\n" * 1000).encode())
    file = tmp_path / "train.tsv.gz"
    file.write_bytes(full[: len(full) // 2])
    check_refused("Expected a complete gzip file. Received: ...train.tsv.gz, which is truncated or damaged", file)
    file.write_bytes(b"text\tlabel\n")
    check_refused("Cannot read ...train.tsv.gz: Not a gzipped file", file)


def test_tokens_and_tags_of_different_lengths(tmp_path):
    file = write(tmp_path / "train.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}')
    check_refused(
        "Expected one tag per token at ...train.jsonl:1. Received: 2 tokens, 1 tags.", file, split_strategy=""
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", {"a": 1}, "Expected a string or a list of tokens at ...:1. Received: text={'a': 1}."),
        ("tokens", 3, "Expected a list of strings at ...:1. Received: tokens=3."),
        ("messages", "hi", "Expected a list of messages at ...:1. Received: messages='hi'."),
        ("messages", [], "Expected a list of messages at ...:1. Received: messages=[]."),
        ("messages", ["hi"], 'Expected {"role": ..., "content": ...} at ...:1, message 1. Received: \'hi\'.'),
        ("messages", [{"role": "user"}], 'Expected {"role": ..., "content": ...} at ...:1, message 1. Received: {'),
        (
            "messages",
            [{"role": "user", "content": "a"}, {"role": "asistant", "content": "b"}],
            "Expected a role among system, user, assistant at ...:1, message 2. Received: role='asistant'. Did you "
            "mean 'assistant'?",
        ),
        ("messages", [{"role": "user", "content": 3}], "Expected a text at ...:1, message 1. Received: content=3."),
        ("answers", [{"text": 3, "start": 0}], "Expected answers as ... at ...:1. Received: answers=[{'text': 3,"),
        ("answers", [{"text": "x"}], "Expected answers as ... at ...:1. Received: answers=[{'text': 'x'}]."),
        ("answers", ["hi"], 'Expected answers as [{"text": ..., "start": ...}] at ...:1. Received: answers=[\'hi\'].'),
        ("text", [["x" * 500]], "Expected a string ... Received: text=[['xxx... ...xxx']]."),
    ],
)
def test_a_value_of_the_wrong_form(tmp_path, field, value, message):
    check_refused(message, write(tmp_path / "train.jsonl", json.dumps({field: value})), split_strategy="")
