"""txt, conll, conllu and parallel text."""

import gzip

import pytest

from zoo.data.opening import open_dataset

CONLLU = """# newdoc
# text = Don't go.
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\t_\t_\t0\troot\t_\t_
2\tn't\tnot\tPART\t_\t_\t1\tadvmod\t_\t_
3\tgo\tgo\tVERB\t_\t_\t1\tx\t_\t_
3.1\tnow\tnow\tADV\t_\t_\t_\t_\t_\t_
4\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_

1\tYes\tyes\tINTJ\t_\t_\t0\troot\t_\t_
"""


def records(path):
    dataset = open_dataset(path, split_strategy="")
    return {split: list(dataset.records(split)) for split in dataset.splits}


def write(path, content):
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_txt(tmp_path, ending):
    actual = records(write(tmp_path / f"test.txt{ending}", "\none\r\n\n \ntwo \nend"))
    lines = [{"text": "one", "ending": "\n\n\n"}, {"text": "two ", "ending": "\n"}, {"text": "end", "ending": ""}]
    assert actual == {"test": lines}


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_conll(tmp_path, ending):
    content = "-DOCSTART- -X- O\n\nAnn NNP B-per\nruns VBZ O\n\n\nNew York\tB-loc\n.\tO"
    assert records(write(tmp_path / f"train.conll{ending}", content))["train"] == [
        {"text": "Ann runs", "tokens": ["Ann", "runs"], "tags": ["B-per", "O"]},
        {"text": "New York .", "tokens": ["New York", "."], "tags": ["B-loc", "O"]},
    ]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_conllu(tmp_path, ending):
    assert records(write(tmp_path / f"train.conllu{ending}", CONLLU))["train"] == [
        {"text": "Don't go.", "tokens": ["Do", "n't", "go", "."], "tags": ["AUX", "PART", "VERB", "PUNCT"]},
        {"text": "Yes", "tokens": ["Yes"], "tags": ["INTJ"]},
    ]


@pytest.mark.parametrize("line", ["Ann", "Ann\t", "\tO", "a b\t"])
def test_a_conll_line_without_token_and_tag(tmp_path, line):
    path = write(tmp_path / "train.conll", f"Bob O\n{line}\n")
    with pytest.raises(ValueError, match=r"a token in column 1 and its tag in column 2 at .*train.conll:2. Received"):
        records(path)


def test_a_conllu_line_without_ten_columns(tmp_path):
    path = write(tmp_path / "train.conllu", "# text = a\n1\ta\n")
    with pytest.raises(
        ValueError, match=r"Expected 10 columns separated by tabs at .*train.conllu:2. Received: '1\\ta'"
    ):
        records(path)


def pair(folder, name, german, english, ending=""):
    write(folder / f"{name}.de{ending}", german)
    write(folder / f"{name}.en{ending}", english)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_parallel_text(tmp_path, ending):
    pair(tmp_path, "train", "eins\nzwei\n", "one\n\n", ending)
    pair(tmp_path, "test_2016_flickr", "drei\n", "three\n", ending)
    train = [{"source": "one", "target": "eins"}, {"source": "", "target": "zwei"}]
    test = [{"source": "drei", "target": "three"}]
    assert records(tmp_path / "train.{en,de}") == {"train": train}
    assert records(f"{tmp_path}/test_2016_flickr.{{de,en}}{ending}") == {"test": test}
    assert records(f"{tmp_path}.{{de,en}}")["test"] == test
    assert records(f"{tmp_path}.{{en,de}}#train") == {"train": train}


def test_parallel_files_of_different_lengths(tmp_path):
    pair(tmp_path, "train", "eins\nzwei\n", "one\n")
    message = (
        r"Expected as many lines in .*train.de as in .*train.en. Received: .*train.en ends after line 1, .*de has more"
    )
    with pytest.raises(ValueError, match=message):
        records(tmp_path / "train.{de,en}")


def test_parallel_files_that_are_not_there(tmp_path):
    pair(tmp_path, "train", "eins\n", "one\n")
    with pytest.raises(ValueError, match=r"Received: path='.*train.fr', which does not exist. The nearest .*train.en"):
        records(tmp_path / "train.{en,fr}")
    with pytest.raises(ValueError, match=r"Expected files such as train.fr in the folder .*. Received: none\."):
        records(f"{tmp_path}.{{fr,en}}")
    pair(tmp_path, "train_b", "eins\n", "one\n")
    with pytest.raises(
        ValueError, match=r"Expected one pair of files for the train split. Received: .*train, .*train_b\."
    ):
        records(f"{tmp_path}.{{de,en}}")
