"""Tokenizer files of BERT and GPT-2, and one-line errors for missing and damaged files."""

import json
import re

import pytest
import tokenizers
from tokenizers import models

from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.bytes import Bytes

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "##s", "caf", "##e", "."]


def write_bert(folder, words):
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return folder


def write_gpt2(folder, merges):
    (folder / "vocab.json").write_text(json.dumps({"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges)
    return folder


def error_message(path):
    """The error of loading `path`, which is one line that names the path and what was expected."""
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        Tokenizer.load(path)
    assert "\n" not in str(error.value)
    assert "Expected" in str(error.value)
    return str(error.value)


def test_bert(tmp_path):
    tokenizer = Tokenizer.load(write_bert(tmp_path, BERT))
    assert tokenizer.encode("Playing cafés.", "plays").ids.tolist() == [2, 5, 6, 8, 9, 7, 10, 3, 5, 7, 3]
    assert (tokenizer.pad, tokenizer.unknown, tokenizer.start, tokenizer.end, tokenizer.mask) == (0, 1, 2, 3, 4)
    assert tokenizer.decode([2, 5, 6, 10, 3]) == "playing."
    assert Tokenizer.load(tmp_path / "vocab.txt").encode("play").ids.tolist() == [2, 5, 3]


def test_bert_with_capital_letters_is_cased(tmp_path):
    folder = write_bert(tmp_path, [*BERT, "Play"])
    assert Tokenizer.load(folder).encode("Play").ids.tolist() == [2, 11, 3]
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert Tokenizer.load(folder).encode("Play").ids.tolist() == [2, 5, 3]


def test_gpt2(tmp_path):
    tokenizer = Tokenizer.load(write_gpt2(tmp_path, "a b\n"))
    assert tokenizer.encode("aab").ids.tolist() == [0, 2]
    assert (tokenizer.pad, tokenizer.start, tokenizer.mask, tokenizer.end) == (None, None, None, 3)
    assert Tokenizer.load(tmp_path / "merges.txt").encode("ab").ids.tolist() == [2]


def test_missing(tmp_path):
    expected = "Expected tokenizer.json, vocab.txt, or vocab.json with merges.txt"
    assert error_message(tmp_path / "no").startswith(f"There is no tokenizer at {tmp_path / 'no'}. {expected}")
    assert error_message(tmp_path) == f"The folder {tmp_path} holds no tokenizer. {expected} in it."
    (tmp_path / "spiece.model").write_bytes(b"")
    hint = "spiece.model alone is not read: AutoTokenizer of transformers saves a tokenizer.json."
    assert error_message(tmp_path) == f"The folder {tmp_path} holds no tokenizer. {expected} in it. {hint}"
    (tmp_path / "vocab.json").write_text("{}")
    assert "(there is no merges.txt beside it)" in error_message(tmp_path / "vocab.json")


def test_truncated(tmp_path):
    Bytes().train().save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf-8")[:900], encoding="utf-8")
    assert "is not a complete tokenizer file (EOF while parsing" in error_message(path)
    path.write_text("")
    assert "is not a complete tokenizer file" in error_message(path)
    path.write_bytes(b"\xff\xfe\x00")
    assert "is not a complete tokenizer file" in error_message(path)
    path.write_text('{"version": "1.0"}')
    assert "is not a complete tokenizer file" in error_message(path)


def test_broken_vocabularies(tmp_path):
    assert "has no line [SEP]" in error_message(write_bert(tmp_path, BERT[:3]) / "vocab.txt")
    (tmp_path / "vocab.txt").unlink()
    assert "(merges.txt, pair 1, has not two tokens: 'a')" in error_message(write_gpt2(tmp_path, "a\n") / "vocab.json")
    write_gpt2(tmp_path, "b a\n")
    assert "is not a complete tokenizer file" in error_message(tmp_path / "vocab.json")
    (tmp_path / "vocab.json").write_text('{"a": 0')
    assert "is not a complete tokenizer file" in error_message(tmp_path / "vocab.json")


def test_a_model_without_its_unknown_token(tmp_path):
    tokenizers.Tokenizer(models.WordLevel({"b": 0}, unk_token="?")).save(str(tmp_path / "tokenizer.json"))
    assert "is not a complete tokenizer file (WordLevel error" in error_message(tmp_path / "tokenizer.json")


def test_padding_and_truncation_of_a_file_are_ignored(tmp_path):
    backend = Bytes().train().backend
    backend.enable_truncation(4)
    backend.enable_padding(length=32)
    backend.save(str(tmp_path / "tokenizer.json"))
    assert len(Tokenizer.load(tmp_path).encode("a long text")) == 13
