"""Build the reader of a SentencePiece tokenizer from a tokenizer.json: Unigram (T5, XLM-R, ALBERT), BPE (Llama 2)."""

import base64
from collections.abc import Callable
from typing import Any

import tokenizers
from tokenizers import normalizers

from zoo.export.tokenizer.character_pairs import CharacterPairs, TextSplit
from zoo.export.tokenizer.characters import Identity, Normalizer
from zoo.export.tokenizer.compiled_normalizer import CompiledNormalizer
from zoo.export.tokenizer.inexact import require
from zoo.export.tokenizer.readers import WordReader
from zoo.export.tokenizer.sentence_pieces import MARK, SentencePieceReader
from zoo.export.tokenizer.space_normalizers import JoinSpaces, NormalizerSequence, Prepend, ReplaceCharacter, Strip
from zoo.export.tokenizer.unicode_tables import replacements
from zoo.export.tokenizer.unigram import Unigram
from zoo.text.charsmap import read_charsmap

RUNS = {"Regex": " {2,}"}  # of spaces, which converted tokenizers replace by one


def sentence_piece_reader(spec: dict[str, Any]) -> SentencePieceReader:
    """The reader of a tokenizer.json whose model is Unigram. Raises `InexactError` where the ids could differ."""
    model = spec["model"]
    require(model["unk_id"] is not None, "its model has no token for unknown characters")
    vocabulary = [(piece, score) for piece, score in model["vocab"]]
    ids = {piece: id for id, (piece, _) in enumerate(vocabulary)}
    byte_ids = _byte_ids(ids) if model.get("byte_fallback") else None
    split_whitespace, metaspace = _pre_tokenizer(spec["pre_tokenizer"])
    unigram, scheme = Unigram(vocabulary, model["unk_id"], byte_ids), metaspace["prepend_scheme"]
    return SentencePieceReader(_normalizer(spec["normalizer"]), unigram, split_whitespace, scheme, metaspace["split"])


def byte_fallback_reader(backend: tokenizers.Tokenizer, spec: dict[str, Any]) -> WordReader:
    """The reader of a tokenizer.json whose model is BPE with byte fallback. Raises `InexactError` as above."""
    model, steps = spec["model"], [_normalizer(spec["normalizer"])]
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"):
        require(not model[name], f"its model sets {name}")
    mark = None
    if spec["pre_tokenizer"]:
        split_whitespace, metaspace = _pre_tokenizer(spec["pre_tokenizer"])
        require(not split_whitespace, "its pre-tokenizer splits at white space")
        steps.append(ReplaceCharacter(" ", chr(MARK)))
        if metaspace["prepend_scheme"] != "never":
            steps.append(Prepend(chr(MARK), unless_present=True))
        mark = MARK if metaspace["split"] else None
    return WordReader(NormalizerSequence(steps), TextSplit(mark), _character_pairs(backend, model))


def _character_pairs(backend, model):
    """The BPE model with byte fallback."""
    ids = model["vocab"]
    byte_ids = _byte_ids(ids)
    words = {token.encode(): id for token, id in ids.items() if len(backend.model.tokenize(token)) == 1}
    token_bytes = {id: token.encode() for token, id in ids.items()}
    token_bytes |= {id: bytes([byte]) for byte, id in enumerate(byte_ids)}
    characters = {token: id for token, id in ids.items() if len(token) == 1}
    merges = [(ids[left], ids[right], ids[left + right]) for left, right in model["merges"]]
    return CharacterPairs(words, characters, byte_ids, merges, token_bytes)


def _byte_ids(ids):
    """The ids of the tokens for the 256 bytes."""
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    require(set(names) <= ids.keys(), "its vocabulary lacks some bytes")
    return [ids[name] for name in names]


def _pre_tokenizer(spec):
    """(whether words end at white space, the settings of Metaspace)."""
    parts = spec["pretokenizers"] if spec and spec["type"] == "Sequence" else [spec]
    names = [part and part["type"] for part in parts]
    known = names in (["Metaspace"], ["WhitespaceSplit", "Metaspace"])
    require(known, f"its pre-tokenizer is {' and '.join(map(str, names))}")
    metaspace = parts[-1]
    require(metaspace["replacement"] == "▁", f"its spaces become {metaspace['replacement']}")
    return len(parts) == 2, metaspace


def _normalizer(spec) -> Callable:
    """The module of a normaliser."""
    if spec is None:
        return Identity()
    kind = spec["type"]
    if kind == "Sequence":
        return NormalizerSequence([_normalizer(part) for part in spec["normalizers"]])
    if kind == "Precompiled":
        return CompiledNormalizer(read_charsmap(base64.b64decode(spec["precompiled_charsmap"])))
    if kind == "Lowercase":
        return Normalizer(*replacements(normalizers.Lowercase()))
    if kind == "Strip":
        return Strip(spec["strip_left"], spec["strip_right"])
    if kind == "Prepend" and len(spec["prepend"]) == 1:
        return Prepend(spec["prepend"])
    if kind == "Replace" and all(len(text) == 1 for text in (spec["pattern"].get("String", ""), spec["content"])):
        return ReplaceCharacter(spec["pattern"]["String"], spec["content"])
    runs = kind == "Replace" and spec["pattern"] == RUNS and len(spec["content"]) == 1
    require(runs, f"its normalizer is {kind}")
    return JoinSpaces(spec["content"])
