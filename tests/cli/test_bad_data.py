"""Every mistake in the data of `zoo train` is one line, and leaves nothing behind."""

from pathlib import Path

import keras
import pytest

from zoo.data import examples

ROWS = "good film\tgood\nbad film\tbad\n" * 10
TABLE = f"text\tlabel\n{ROWS}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Expected records in data.tsv...Received: an empty file"),
        ("text\tlabel\n", "Expected records in data.tsv...nothing but a header"),
        ("text\tlabel\na\tb\n", "Expected at least 10 records to derive...in data.tsv"),
        (
            f"text\tlable\n{ROWS}",
            "Expected a column 'label' in the header of data.tsv...is 'lable'...--columns label=lable",
        ),
        (
            f"sentence\tlabel\n{ROWS}",
            "Expected a column 'text' in the header of data.tsv...['sentence', 'label']",
        ),
        (f"text\ttext\n{ROWS}", "Expected different column names in data.tsv. Received: 'text' twice"),
        (f"{TABLE}oops\n", "Expected 2 fields at data.tsv:22...['text', 'label']...too few (1), row=['oops']"),
        (f"{TABLE}no label\t\n", "Expected a label at data.tsv:22. Received: label=''"),
        (TABLE.replace("\tbad", "\tgood"), "at least two different values of 'label' in data.tsv...['good']"),
        (
            f"{TABLE}naïve\tgood\n".encode() + b"caf\xe9\tgood\n",
            "byte 0xe9 at data.tsv:23, byte 4 of the line...--errors replace",
        ),
        (TABLE.encode() + b"a\0b\tgood\n", "Received: a NUL byte at data.tsv:22"),
    ],
)
def test_a_table_that_is_not_as_it_should_be(train, check_refused, content, message):
    Path("data.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
    check_refused(message, train, "data.tsv")


def test_a_missing_file_names_the_nearest(train, check_refused, data):
    check_refused("path='dta.tsv', which does not exist...'data.tsv'", train, "dta.tsv")
    check_refused("there is no folder nowhere", train, "nowhere/data.tsv")
    check_refused("Did you mean 'helpdesk'?", train, "sample:helpdsk")
    check_refused("split='tst'. Did you mean 'test'?", train, "data.tsv#tst")
    check_refused("train and validation splits in data.tsv#train. Received: only train.", train, "data.tsv#train")


def test_a_label_that_training_lacks_is_reported(train):
    Path("data").mkdir()
    Path("data/train.tsv").write_text(TABLE)
    Path("data/dev.tsv").write_text(f"{TABLE}so so\tgod\n")
    result = train("data")
    assert result.status == 0
    assert "that the training split lacks" in result.err
    assert "god (1), first at data/dev.tsv:22. Did you mean 'good'?" in result.err


def test_a_split_with_none_of_the_labels_of_training(train, check_refused):
    Path("data").mkdir()
    Path("data/train.tsv").write_text(TABLE)
    Path("data/dev.tsv").write_text("text\tlabel\nso so\tgod\n")
    message = "Expected labels such as bad, good in data...label='god' at data/dev.tsv:2. Did you mean 'good'?"
    check_refused(message, train, "data")


def test_columns_that_are_not_there(train, check_refused, data):
    check_refused("Expected --columns FIELD=NAME...Received: 'text'", train, data, "--columns", "text")
    check_refused("'txt'. Did you mean 'text'?", train, data, "--columns", "txt=text")
    check_refused("'lable' in the header of data.tsv...nearest is 'label'", train, data, "--columns", "label=lable")
    check_refused("'strict' or 'replace'. Received: errors='ignore'", train, data, "--errors", "ignore")


def test_broken_bytes_can_be_replaced(train):
    Path("data.tsv").write_bytes(TABLE.encode() + b"caf\xe9\tgood\n")
    result = train("data.tsv", "--errors", "replace")
    assert result.status == 0
    assert result.out.startswith("validation: accuracy ")
    assert 'Saved in model. Try: zoo predict model "some text"' in result.err


def test_a_full_disk_while_tokens_are_written(train, monkeypatch, check_refused, data):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    Path(".cache").mkdir()
    monkeypatch.setattr(examples.ArrayWriter, "add", full)
    check_refused("No space left on device (.cache/...). Free some space", train, data)


@pytest.fixture
def tensorflow():
    if keras.config.backend() != "tensorflow":
        pytest.skip("importing TensorFlow Datasets is slow where TensorFlow is not the backend")


@pytest.mark.usefixtures("tensorflow")
def test_a_tensorflow_dataset_that_does_not_exist(train, check_refused):
    check_refused("Received: 'imdb_review'. Did you mean 'imdb_reviews'?", train, "tfds:imdb_review")


@pytest.mark.usefixtures("tensorflow")
def test_a_tensorflow_dataset_that_cannot_be_downloaded(train, check_refused, monkeypatch):
    import tensorflow_datasets as tfds

    def offline(*arguments, **settings):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
    check_refused(
        "download and prepare tfds:trec...ConnectionError: Name or service not known. Without a network, prepare it",
        train,
        "tfds:trec",
    )
