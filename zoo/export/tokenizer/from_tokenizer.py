"""Which parts the twin of a tokenizer is made of, read from its tokenizer.json; what has no exact part is refused."""

import json
from functools import partial

import numpy as np
from tokenizers import normalizers

from zoo.export.tokenizer.byte_pairs import BytePairs
from zoo.export.tokenizer.characters import Normalizer, Unchanged
from zoo.export.tokenizer.graph_added_tokens import AddedReader
from zoo.export.tokenizer.readers import ByteReader, CharacterReader, WordReader
from zoo.export.tokenizer.splits import ByteLevelSplit, Split
from zoo.export.tokenizer.subword_models import WholeWords
from zoo.export.tokenizer.unicode_tables import (
    POINTS,
    bert_classes,
    bert_images,
    byte_level_classes,
    images,
    whitespace_classes,
    word_classes,
)
from zoo.export.tokenizer.word_pieces import WordPieces
from zoo.runtime.errors import UserError
from zoo.text.splitting import CJK, WHITESPACE_WORDS, WORDS, bytes_to_unicode


def reader_of(backend):
    """Return what turns strings into ids as this `tokenizers.Tokenizer` does.

    Raises `UserError`, with the reason, where that would not be exact.
    """
    spec = json.loads(backend.to_str())
    try:
        return _reader(backend, spec)
    except _InexactError as reason:
        raise UserError(
            f"This tokenizer has no exact twin inside TensorFlow: {reason}. "
            "Those that zoo trains, BERT's, GPT-2's and RoBERTa's have one."
        ) from None


class _InexactError(Exception):
    """The reason why a twin would differ; never seen outside this file."""


def _require(condition, reason):
    if not condition:
        raise _InexactError(reason)


def _reader(backend, spec):
    plain = [token for token in spec["added_tokens"] if not token["special"]]
    if plain:
        return _added(backend, spec, plain)
    model, pre = spec["model"], spec["pre_tokenizer"]
    if model["type"] == "BPE":
        _check_byte_pairs(model)
        return _bytes(backend, spec) if pre else _characters(spec)
    return WordReader(_normalizer(spec["normalizer"]), _split(pre), _words(model))


def _added(backend, spec, plain):
    """Return the reader of a tokenizer with tokens that were added as `zoo.text.added_tokens` does."""
    for token in plain:
        ours = token["single_word"] and not (token["normalized"] or token["lstrip"] or token["rstrip"])
        _require(ours, f"it has added tokens that need not be words as they stand, such as {token['content']!r}")
    special = [token for token in spec["added_tokens"] if token["special"]]
    passed = {token["content"] for token in special if not token["normalized"]}
    added = {token["content"]: token["id"] for token in plain}
    return AddedReader(_reader(backend, spec | {"added_tokens": special}), added, passed)


def _check_byte_pairs(model):
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback"):
        _require(not model[name], f"its model sets {name}")
    _require(not model["ignore_merges"], "its model sets ignore_merges")


def _normalizer(spec):
    """Return the part that normalises characters."""
    if spec is None:
        return Unchanged()
    if spec["type"] == "Lowercase":
        return Normalizer(*images(normalizers.Lowercase()))
    _require(spec["type"] == "BertNormalizer", f"its normalizer is {spec['type']}")
    lower, accents = spec["lowercase"], spec["strip_accents"]
    accents = lower if accents is None else accents
    return Normalizer(*bert_images(spec["clean_text"], spec["handle_chinese_chars"], accents, lower))


def _split(spec):
    """Return the part that finds words."""
    for pattern, classes in ((WORDS, partial(word_classes, CJK)), (WHITESPACE_WORDS, whitespace_classes)):
        if spec == {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True}:
            return Split(classes())
    kind = spec and spec["type"]
    _require(kind == "BertPreTokenizer", f"its pre-tokenizer is {kind}")
    return Split(bert_classes())


def _words(spec):
    """Return the part that numbers words."""
    _require(spec["type"] in ("WordLevel", "WordPiece"), f"its model is {spec['type']}")
    vocabulary, unknown = spec["vocab"], spec["vocab"].get(spec["unk_token"])
    _require(unknown is not None, "its vocabulary has no token for unknown words")
    if spec["type"] == "WordLevel":
        return WholeWords(vocabulary, unknown)
    return WordPieces(vocabulary, unknown, spec["continuing_subword_prefix"], spec["max_input_chars_per_word"])


def _characters(spec):
    """Return the reader of a tokenizer that numbers single characters."""
    vocabulary, unknown = spec["model"]["vocab"], spec["model"]["vocab"].get(spec["model"]["unk_token"])
    _require(not spec["model"]["merges"], "it joins characters, not bytes")
    _require(unknown is not None, "its vocabulary has no token for unknown characters")
    ids = np.full(POINTS, unknown, np.int32)
    for token, id in vocabulary.items():
        if len(token) == 1:
            ids[ord(token)] = id
    return CharacterReader(_normalizer(spec["normalizer"]), ids)


def _bytes(backend, spec):
    """Return the reader of a tokenizer that numbers bytes or joins them."""
    model, pre = spec["model"], spec["pre_tokenizer"]
    _require(pre["type"] == "ByteLevel", f"its pre-tokenizer is {pre['type']}")
    change = spec["normalizer"] and spec["normalizer"]["type"]
    _require(change in (None, "Lowercase"), f"it changes characters before it numbers bytes, by {change}")
    spelling = bytes_to_unicode()
    _require(set(spelling) <= model["vocab"].keys(), "its vocabulary lacks some bytes")
    ids = [model["vocab"][character] for character in spelling]
    if not pre["use_regex"]:
        _require(not model["merges"] and not change, "its byte pairs cross words")
        return ByteReader(ids, pre["add_prefix_space"])
    pairs = _byte_pairs(backend, model, ids, {character: byte for byte, character in enumerate(spelling)})
    return WordReader(
        _normalizer(spec["normalizer"]), ByteLevelSplit(byte_level_classes()), pairs, pre["add_prefix_space"]
    )


def _byte_pairs(backend, model, ids, byte_of):
    """Return the part that joins bytes, given the id of each byte and the byte of each character in a spelling."""
    vocabulary = model["vocab"]
    spelled = {token: bytes(map(byte_of.get, token)) for token in vocabulary if set(token) <= byte_of.keys()}
    whole = {spelled[token]: vocabulary[token] for token in spelled if len(backend.model.tokenize(token)) == 1}
    merges = [(vocabulary[a], vocabulary[b], vocabulary[a + b]) for a, b in model["merges"]]
    return BytePairs(whole, ids, merges, {vocabulary[token]: spelling for token, spelling in spelled.items()})
