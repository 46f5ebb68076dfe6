"""A folder for each class: splits by folder or derived, aclImdb's layout, and what is no such folder."""

import gzip

import pytest

from zoo.data.opening import open_dataset


def write(folder, content="a text\n", names=("0.txt", "1.txt")):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(f"{name} {content}")


def test_classes(tmp_path):
    write(tmp_path / "all" / "pos", names=[f"{i:02}.txt" for i in range(10)])
    write(tmp_path / "all" / "neg", names=[f"{i:02}.txt" for i in range(10)])
    dataset = open_dataset(tmp_path / "all")
    assert [len(list(dataset.records(split))) for split in dataset.splits] == [16, 2, 2]
    unsplit = open_dataset(tmp_path / "all", split_strategy="")
    located = list(unsplit.located_records("train"))
    assert located[0] == (str(tmp_path / "all" / "neg" / "00.txt"), {"text": "00.txt a text", "label": "neg"})
    assert [record["label"] for _, record in located] == ["neg"] * 10 + ["pos"] * 10
    assert next(iter(open_dataset(tmp_path / "all", {"id": "file"}).records("train")))["id"] == "neg/00.txt"


def test_the_layout_of_acl_imdb(tmp_path):
    for split in ("train", "test"):
        for name in ("neg", "pos", "unsup"):
            write(tmp_path / split / name)
        (tmp_path / split / "urls_neg.txt").write_text("http://\n")
        (tmp_path / split / "labeledBow.feat").write_text("9 0:9\n")
    (tmp_path / "README").write_text("read me\n")
    dataset = open_dataset(tmp_path, split_strategy="")
    assert dataset.splits == ("train", "test")
    for split in dataset.splits:
        assert [record["label"] for record in dataset.records(split)] == ["neg", "neg", "pos", "pos"]
    assert open_dataset(f"{tmp_path}#test").splits == ("test",)
    assert open_dataset(tmp_path / "train", split_strategy="").describe("train") == str(tmp_path / "train")


def test_files_without_extension_and_gzipped_ones(tmp_path):
    write(tmp_path / "news" / "sci.space", "1\n\n2\n", names=["59904", ".hidden", "notes.html"])
    (tmp_path / "news" / "sci.space" / "b.txt.gz").write_bytes(gzip.compress(b"b"))
    write(tmp_path / "news" / ".cache")
    dataset = open_dataset(tmp_path / "news", split_strategy="")
    assert [record["text"] for record in dataset.records("train")] == ["59904 1\n\n2", "b"]
    assert {record["label"] for record in dataset.records("train")} == {"sci.space"}


def test_the_fingerprint_changes_with_contents_and_names(tmp_path):
    def fingerprint():
        return open_dataset(tmp_path / "all", split_strategy="").fingerprint("train")

    write(tmp_path / "all" / "pos")
    before = fingerprint()
    assert fingerprint() == before
    (tmp_path / "all" / "pos").rename(tmp_path / "all" / "good")
    renamed = fingerprint()
    (tmp_path / "all" / "good" / "0.txt").write_text("other")
    assert len({before, renamed, fingerprint()}) == 3


def test_files_of_splits_go_before_classes(tmp_path):
    write(tmp_path / "notes")
    (tmp_path / "train.tsv").write_text("text\na\n")
    assert list(open_dataset(tmp_path, split_strategy="").records("train")) == [{"text": "a"}]


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"or a folder of texts for each class, in the folder .*Received: pictures\.$"):
        open_dataset(tmp_path)


def test_broken_text_names_the_file_and_its_line(tmp_path):
    write(tmp_path / "all" / "pos", names=["0.txt"])
    (tmp_path / "all" / "pos" / "1.txt").write_bytes("naïve\n".encode() + b"caf\xe9\n")
    with pytest.raises(ValueError, match=r"^Expected UTF-8. Received: byte 0xe9 at .*1.txt:2"):
        list(open_dataset(tmp_path / "all", split_strategy="").records("train"))
    dataset = open_dataset(tmp_path / "all", split_strategy="", errors="replace")
    assert [record["text"] for record in dataset.records("train")][1] == "naïve\ncaf\ufffd"
