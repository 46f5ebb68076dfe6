"""Every tokenizer of the catalog with each setting of `lower`, and BERT's, GPT-2's and RoBERTa's, trained on code."""

import argparse
import json
import random
import textwrap
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import pytest
from tiny import TRAINABLE

from zoo import catalog
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.word_pieces import WordPieces

FOREIGN = ("bert_uncased", "bert_cased", "gpt2", "roberta")
OTHER_SCRIPTS = ["中文字符 カタカナ ひらがな 한국어", "שלום עולם مرحبا", "naïve café e\u0301", "👩‍👩‍👧 ❤️ 🇩🇪 👍🏽"]
POOLS = [
    "abc defg ABC",
    " \t\n\r\u00a0\u3000\u2028x",
    "'s't're've'm'll'd'x ’a’",
    "😀👩‍👧❤️🇩🇪👍🏽",
    "中文字カなひ한국어豈각",
    "e\u0301a\u0308\u0327n\u0303\u0345\u302e\U0001d165\U0001d16d\U0001d15f\U0001e944\U0001e94a\u08d4\u0b47\u1e0d",
    "שלום مرحبا\u200f\u200e\u202e",
    "\x00\x01\x07\x1b\x7f\x85\ufeff\ufffd\ufffe\ue000\u00ad",
    "İıſßẞŒΣςσǅ",
    "0123456789½²٣ .,!?[]()<>#@_-",
    "กขคा हिन्दी ಕೀ",
]
LITERALS = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "<|endoftext|>", "</s>", "<mask>", "##a", "don't", "    return x\n"]


def _cases():
    """Yield the name and the settings of every case."""
    for name in TRAINABLE:
        settings = catalog.load("tokenizers", name)()
        names = {field.name for field in fields(settings)}
        settings = replace(settings, vocabulary=1500) if "vocabulary" in names else settings
        for lower in (True, False) if "lower" in names else (None,):
            if lower is None:
                yield name, settings
            else:
                yield f"{name}_lower" if lower else name, replace(settings, lower=lower)


CASES = dict(_cases())


@pytest.fixture(scope="session")
def corpus():
    """Lines of English and code, from modules of Python, and a few lines in other scripts."""
    files = (argparse.__file__, textwrap.__file__, json.__file__)
    return "\n".join(Path(file).read_text(encoding="utf-8") for file in files).split("\n") + OTHER_SCRIPTS * 3


@pytest.fixture(scope="session")
def make(corpus, tmp_path_factory):
    """Return a function from a name to its tokenizer."""

    @cache
    def make(name):
        if name in CASES:
            return CASES[name].train(corpus)
        folder = tmp_path_factory.mktemp(name)
        if name.startswith("bert"):
            return bert(folder, corpus, lower=name == "bert_uncased")
        return byte_level(folder, corpus, prefix=name == "roberta")

    return make


@pytest.fixture(scope="session", params=[*CASES, *FOREIGN])
def tokenizer(request, make):
    """Each tokenizer in turn."""
    return make(request.param)


def vocabulary_of(tokenizer):
    """Return the model part of a tokenizer.json."""
    return json.loads(tokenizer.backend.to_str())["model"]


def bert(folder, corpus, lower):
    """Return BERT's tokenizer, from a vocab.txt."""
    vocabulary = vocabulary_of(WordPieces(vocabulary=1500, lower=lower).train(corpus))["vocab"]
    text = "".join(f"{token}\n" for token in sorted(vocabulary, key=vocabulary.get))
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    return Tokenizer.load(folder)


def byte_level(folder, corpus, prefix):
    """Return RoBERTa's tokenizer, with a space before each text, or GPT-2's, from vocab.json and merges.txt."""
    bert_tokens = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    tokens = ("<pad>", "<unk>", "<s>", "</s>", "<mask>") if prefix else ("<|endoftext|>", "!!0", "!!1", "!!2", "!!3")
    renames = dict(zip(bert_tokens, tokens, strict=True))
    model = vocabulary_of(BytePairs(vocabulary=1500).train(corpus))
    vocabulary = {renames.get(token, token): id for token, id in model["vocab"].items()}
    merges = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in model["merges"])
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text(merges, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"add_prefix_space": prefix}), encoding="utf-8")
    return Tokenizer.load(folder)


@pytest.fixture(scope="session")
def lines(corpus):
    """10,000 lines of bytes: prose, code, and random mixtures of scripts, some of them invalid UTF-8."""
    rng = random.Random(0)
    return [rng.choice(corpus).encode() if i % 4 == 0 else _random_line(rng, corpus) for i in range(10_000)]


def _random_line(rng, corpus):
    """Random characters of `POOLS` and others, literals of special tokens, and broken UTF-8, as bytes."""
    text = ""
    for _ in range(rng.randint(0, 6)):
        text += "".join(rng.choices(rng.choice(POOLS), k=rng.randint(0, 8)))
        if rng.random() < 0.3:
            text += rng.choice(LITERALS)
        if rng.random() < 0.3:
            text += "".join(chr(rng.choice((rng.randrange(0x2500), rng.randrange(0xD800)))) for _ in range(3))
        if rng.random() < 0.1:
            text += chr(rng.randrange(0xE000, 0x110000)) + rng.choice(corpus)[:20]
    broken = rng.randbytes(4) if rng.random() < 0.2 else b""
    start = text.encode()[: rng.randint(0, 80)]  # may end inside a character
    return start + broken + text[:5].encode()
