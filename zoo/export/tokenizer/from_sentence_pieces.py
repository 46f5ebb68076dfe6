"""Build the reader of a SentencePiece tokenizer (Unigram) from a tokenizer.json, as T5's, XLM-R's and ALBERT's are."""

import base64
from collections.abc import Callable
from typing import Any

from tokenizers import normalizers

from zoo.export.tokenizer.characters import Identity, Normalizer
from zoo.export.tokenizer.compiled_normalizer import CompiledNormalizer
from zoo.export.tokenizer.inexact import require
from zoo.export.tokenizer.sentence_pieces import SentencePieceReader
from zoo.export.tokenizer.space_normalizers import JoinSpaces, NormalizerSequence, Strip
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
    byte_ids = None
    if model.get("byte_fallback"):
        names = [f"<0x{byte:02X}>" for byte in range(256)]
        require(set(names) <= ids.keys(), "its vocabulary lacks some bytes")
        byte_ids = [ids[name] for name in names]
    split_whitespace, metaspace = _pre_tokenizer(spec["pre_tokenizer"])
    unigram, scheme = Unigram(vocabulary, model["unk_id"], byte_ids), metaspace["prepend_scheme"]
    return SentencePieceReader(_normalizer(spec["normalizer"]), unigram, split_whitespace, scheme, metaspace["split"])


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
    runs = kind == "Replace" and spec["pattern"] == RUNS and len(spec["content"]) == 1
    require(runs, f"its normalizer is {kind}")
    return JoinSpaces(spec["content"])
