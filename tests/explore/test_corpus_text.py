"""The texts of a corpus: every form of data, and the words and tags that it brings."""

import gzip
import json

import pytest

from zoo.explore.corpus_text import LINES, open_corpus, texts_of
from zoo.runtime.errors import UserError

CONLL = "She\tB\nsaw\tO\n\nit\tB\n"
CONLLU = "# text = She don't.\n" + "".join(
    f"{i}\t{word}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n"
    for i, (word, tag) in enumerate([("She", "PRON"), ("do", "AUX"), ("n't", "PART"), (".", "PUNCT")], start=1)
)


def read(corpus, running=False):
    return list(texts_of(open_corpus(corpus), running))


def tagged(text):
    return [(text.text[start:end], tag) for (start, end), tag in zip(text.words, text.tags, strict=True)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("corpus.txt", "a great film\n\n \nan awful film\n"),
        ("corpus.csv", 'label,text\n1,a great film\n0," "\n0,an awful film\n'),
        ("corpus.tsv", "id\tsentence\tlabel\n1\ta great film\t1\n2\tan awful film\t0\n"),
        ("corpus.jsonl", '{"text": "a great film"}\n{"text": "an awful film"}\n'),
    ],
)
def test_files(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    for path in (tmp_path / name, tmp_path / f"{name}.gz"):
        assert [text.text for text in read(path)] == ["a great film", "an awful film"]


def test_all_splits_of_a_folder_and_data_in_memory(reviews):
    assert len(read(reviews)) == 160
    assert len(read(f"{reviews}#test")) == 32
    assert [text.text for text in read([{"source": "guten Tag", "target": "good day"}])] == ["guten Tag"]


def test_words_and_tags(tmp_path):
    (tmp_path / "corpus.conll").write_text(CONLL)
    first, second = read(tmp_path / "corpus.conll")
    assert (first.text, tagged(first)) == ("She saw", [("She", "B"), ("saw", "O")])
    assert tagged(second) == [("it", "B")]
    (tmp_path / "corpus.conllu").write_text(CONLLU)
    (text,) = read(tmp_path / "corpus.conllu")
    assert text.text == "She don't."
    assert tagged(text) == [("She", "PRON"), ("do", "AUX"), ("n't", "PART"), (".", "PUNCT")]


def test_words_that_are_not_those_of_the_text_are_joined_by_blanks():
    row = {"text": "zum Haus", "tokens": ["zu", "dem", "Haus"], "tags": ["ADP", "DET", "NOUN"]}
    (text,) = read([row])
    assert (text.text, len(tagged(text))) == ("zu dem Haus", 3)


def test_tokens_without_tags_and_spans_of_characters(tmp_path):
    (text,) = read([{"tokens": ["a", "b"]}])
    assert (text.text, text.tags) == ("a b", ())
    spans = [{"start": 0, "end": 4, "label": "CITY"}]
    (tmp_path / "spans.jsonl").write_text(json.dumps({"text": "Bonn is old", "spans": spans}) + "\n")
    (text,) = read(tmp_path / "spans.jsonl")
    assert tagged(text)[0] == ("Bonn", "B-CITY")


def test_running_text_is_joined_with_its_line_breaks(tmp_path):
    (tmp_path / "corpus.txt").write_text("to be\nor not\n\nto be\n" + "line\n" * LINES)
    first, second = read(tmp_path / "corpus.txt", running=True)
    assert first.text.startswith("to be\nor not\n\nto be\nline\n")
    assert second.text == "line\n" * 3


def test_a_corpus_without_a_column_of_texts_is_refused(tmp_path):
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(UserError, match="Expected a column for 'text'"):
        read(tmp_path / "numbers.csv")
