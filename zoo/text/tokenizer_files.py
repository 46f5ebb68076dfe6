"""Loads tokenizer files: tokenizer.json, BERT's vocab.txt, and GPT-2's and RoBERTa's vocab.json with merges.txt."""

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from zoo.runtime.errors import UserError

EXPECTED = "tokenizer.json, vocab.txt, or vocab.json with merges.txt"


def load(path: Path) -> tokenizers.Tokenizer:
    """The `tokenizers.Tokenizer` in a file or folder. Raises `UserError` in one line that names the file."""
    path = _file_of(path)
    loaders = {"vocab.txt": _load_bert, "vocab.json": _load_gpt2}
    try:
        backend = loaders.get(path.name, _load_json)(path)
        backend.encode("a")  # fails where the model's unknown token is not in its vocabulary
    except Exception as error:  # the Rust library raises bare Exception for whatever is wrong in a file
        reason = (str(error) or repr(error)).splitlines()[0]
        raise UserError(f"{path} is not a complete tokenizer file ({reason}). Expected {EXPECTED}.") from None
    return backend


def _file_of(path: Path) -> Path:
    """The file to load: `path` itself, or the preferred file in the folder `path`."""
    if path.is_file():
        return path.with_name("vocab.json") if path.name == "merges.txt" else path
    if not path.is_dir():
        raise UserError(f"There is no tokenizer at {path}. Expected {EXPECTED}, or a folder that holds it.")
    for name in ("tokenizer.json", "vocab.txt", "vocab.json"):
        if (path / name).is_file():
            return path / name
    raise UserError(f"The folder {path} holds no tokenizer. Expected {EXPECTED} in it.")


def _load_json(path: Path) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))


def _option(path: Path, name: str, default: Any) -> Any:
    """A setting from the tokenizer_config.json beside `path`, where that exists, else `default`."""
    config = path.with_name("tokenizer_config.json")
    return json.loads(config.read_text(encoding="utf-8")).get(name, default) if config.is_file() else default


def _load_bert(path: Path) -> tokenizers.Tokenizer:
    """BERT's tokenizer from its vocab.txt. Without a tokenizer_config.json, no capital letter means uncased."""
    words = path.read_text(encoding="utf-8").split("\n")
    words = words[:-1] if words[-1] == "" else words
    vocabulary = {word.rstrip("\r"): i for i, word in enumerate(words)}
    special = [name for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if name in vocabulary]
    for name in ("[UNK]", "[CLS]", "[SEP]"):
        if name not in vocabulary:
            raise UserError(f"it has no line {name}")
    cased = any(word != word.lower() for word in vocabulary if word not in special and not word.startswith("[unused"))
    lower = _option(path, "do_lower_case", not cased)
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lower)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    backend.add_special_tokens(special)
    return backend


def _load_gpt2(path: Path) -> tokenizers.Tokenizer:
    """GPT-2's tokenizer, or RoBERTa's if the vocabulary has its <s> and </s>."""
    merges = path.with_name("merges.txt")
    if not merges.is_file():
        raise UserError("there is no merges.txt beside it")
    vocabulary = json.loads(path.read_text(encoding="utf-8"))
    prefix = _option(path, "add_prefix_space", False)
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, _load_merges(merges)))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    backend.decoder = decoders.ByteLevel()
    names = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>")
    backend.add_special_tokens([name for name in names if name in vocabulary])
    if {"<s>", "</s>"} <= set(vocabulary):
        ends = [(name, vocabulary[name]) for name in ("</s>", "<s>")]
        backend.post_processor = processors.RobertaProcessing(*ends, trim_offsets=False, add_prefix_space=prefix)
    return backend


def _load_merges(path: Path) -> list[Any]:
    """The pairs in a merges.txt, whose first line may name a version."""
    lines = path.read_text(encoding="utf-8").split("\n")
    pairs = [tuple(line.rstrip("\r").split(" ")) for line in lines if line and not line.startswith("#version")]
    for number, pair in enumerate(pairs, 1):
        if len(pair) != 2:
            raise UserError(f"{path.name}, pair {number}, has not two tokens: {' '.join(pair)!r}")
    return pairs
