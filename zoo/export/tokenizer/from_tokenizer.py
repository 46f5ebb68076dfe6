"""Build the modules of a graph tokenizer from a tokenizer.json; a tokenizer without an exact equal is refused."""

import json
from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf
import tokenizers
from tokenizers import normalizers

from zoo.export.tokenizer.byte_pairs import BytePairs
from zoo.export.tokenizer.characters import Identity, Normalizer
from zoo.export.tokenizer.from_sentence_pieces import byte_fallback_reader, sentence_piece_reader
from zoo.export.tokenizer.graph_added_tokens import AddedTokenReader
from zoo.export.tokenizer.inexact import InexactError, require
from zoo.export.tokenizer.readers import ByteReader, CharacterReader, RaggedIds, WordReader
from zoo.export.tokenizer.splits import ByteLevelSplit, Split
from zoo.export.tokenizer.subword_models import WholeWords
from zoo.export.tokenizer.unicode_tables import (
    CODE_POINTS,
    bert_classes,
    bert_replacements,
    byte_level_classes,
    replacements,
    whitespace_classes,
    word_classes,
)
from zoo.export.tokenizer.word_pieces import WordPieces
from zoo.runtime.errors import UserError
from zoo.text.splitting import CJK, WHITESPACE_WORDS, WORDS, bytes_to_unicode

Reader = Callable[[tf.Tensor], RaggedIds]  # (texts,) strings to ids


def reader_for(backend: tokenizers.Tokenizer) -> Reader:
    """The `tf.Module` that encodes strings as a `tokenizers.Tokenizer` does.

    Raises `UserError`, with the reason, where the ids could differ.
    """
    spec = json.loads(backend.to_str())
    try:
        return _reader(backend, spec)
    except InexactError as reason:
        raise UserError(
            f"This tokenizer has no exact equal inside TensorFlow: {reason}. "
            "Tokenizers that zoo trains and those of BERT, GPT-2, RoBERTa, T5 and Llama have one."
        ) from None


def _reader(backend, spec) -> Reader:
    added = [token for token in spec["added_tokens"] if not token["special"]]
    if added:
        return _added_token_reader(backend, spec, added)
    model, pre_tokenizer = spec["model"], spec["pre_tokenizer"]
    if model["type"] == "Unigram":
        return sentence_piece_reader(spec)
    if model["type"] == "BPE" and model["byte_fallback"]:
        return byte_fallback_reader(backend, spec)
    if model["type"] == "BPE":
        _check_byte_pairs(model)
        return _byte_reader(backend, spec) if pre_tokenizer else _character_reader(spec)
    return WordReader(_normalizer(spec["normalizer"]), _split(pre_tokenizer), _word_model(model))


def _added_token_reader(backend, spec, added):
    """The reader of a tokenizer with added tokens, which must stand in texts as they are."""
    for token in added:
        changed = token["lstrip"] or token["rstrip"] or (token["normalized"] and spec["normalizer"])
        require(not changed, f"it has added tokens that texts spell in other ways, such as {token['content']!r}")
    require(len({token["normalized"] for token in added}) == 1, "some of its added tokens are matched before others")
    require(
        '"prepend_scheme": "first"' not in json.dumps(spec["pre_tokenizer"]),
        "its words begin otherwise after added tokens",
    )
    special = [token for token in spec["added_tokens"] if token["special"]]
    skipped = {token["content"] for token in special if not token["normalized"]}
    ids = {token["content"]: token["id"] for token in added}
    separate = {token["content"] for token in added if token["single_word"]}
    return AddedTokenReader(_reader(backend, spec | {"added_tokens": special}), ids, skipped, separate)


def _check_byte_pairs(model):
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk"):
        require(not model[name], f"its model sets {name}")
    require(not model["ignore_merges"], "its model sets ignore_merges")


def _normalizer(spec):
    """The module that normalises characters."""
    if spec is None:
        return Identity()
    if spec["type"] == "Lowercase":
        return Normalizer(*replacements(normalizers.Lowercase()))
    require(spec["type"] == "BertNormalizer", f"its normalizer is {spec['type']}")
    lower, accents = spec["lowercase"], spec["strip_accents"]
    accents = lower if accents is None else accents
    return Normalizer(*bert_replacements(spec["clean_text"], spec["handle_chinese_chars"], accents, lower))


def _split(spec):
    """The pre-tokenizer: the module that splits text into words."""
    for pattern, classes in ((WORDS, partial(word_classes, CJK)), (WHITESPACE_WORDS, whitespace_classes)):
        if spec == {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True}:
            return Split(classes())
    name = spec and spec["type"]
    require(name == "BertPreTokenizer", f"its pre-tokenizer is {name}")
    return Split(bert_classes())


def _word_model(spec):
    """The model that turns words into ids, word-level or WordPiece."""
    require(spec["type"] in ("WordLevel", "WordPiece"), f"its model is {spec['type']}")
    vocabulary, unknown = spec["vocab"], spec["vocab"].get(spec["unk_token"])
    require(unknown is not None, "its vocabulary has no token for unknown words")
    if spec["type"] == "WordLevel":
        return WholeWords(vocabulary, unknown)
    return WordPieces(vocabulary, unknown, spec["continuing_subword_prefix"], spec["max_input_chars_per_word"])


def _character_reader(spec):
    """The reader of a character tokenizer."""
    vocabulary, unknown = spec["model"]["vocab"], spec["model"]["vocab"].get(spec["model"]["unk_token"])
    require(not spec["model"]["merges"], "it joins characters, not bytes")
    require(unknown is not None, "its vocabulary has no token for unknown characters")
    ids = np.full(CODE_POINTS, unknown, np.int32)
    for token, id in vocabulary.items():
        if len(token) == 1:
            ids[ord(token)] = id
    return CharacterReader(_normalizer(spec["normalizer"]), ids)


def _byte_reader(backend, spec):
    """The reader of a byte-level tokenizer, with or without merges."""
    model, pre_tokenizer = spec["model"], spec["pre_tokenizer"]
    require(pre_tokenizer["type"] == "ByteLevel", f"its pre-tokenizer is {pre_tokenizer['type']}")
    normalizer = spec["normalizer"] and spec["normalizer"]["type"]
    require(normalizer in (None, "Lowercase"), f"it changes characters before it numbers bytes, by {normalizer}")
    characters = bytes_to_unicode()
    require(set(characters) <= model["vocab"].keys(), "its vocabulary lacks some bytes")
    ids = [model["vocab"][character] for character in characters]
    if not pre_tokenizer["use_regex"]:
        require(not model["merges"] and not normalizer, "its byte pairs cross words")
        return ByteReader(ids, pre_tokenizer["add_prefix_space"])
    byte_pairs = _byte_pair_model(backend, model, ids, {character: byte for byte, character in enumerate(characters)})
    split = ByteLevelSplit(byte_level_classes())
    return WordReader(_normalizer(spec["normalizer"]), split, byte_pairs, pre_tokenizer["add_prefix_space"])


def _byte_pair_model(backend, model, byte_ids, byte_of):
    """The byte-pair model, from the id of each byte and the byte of each character of a token."""
    vocabulary = model["vocab"]
    token_bytes = {token: bytes(map(byte_of.get, token)) for token in vocabulary if set(token) <= byte_of.keys()}
    words = {token_bytes[token]: vocabulary[token] for token in token_bytes if len(backend.model.tokenize(token)) == 1}
    merges = [(vocabulary[a], vocabulary[b], vocabulary[a + b]) for a, b in model["merges"]]
    return BytePairs(words, byte_ids, merges, {vocabulary[token]: values for token, values in token_bytes.items()})
