"""Loads tokenizer files: tokenizer.json, BERT's vocab.txt, and GPT-2's and RoBERTa's vocab.json with merges.txt."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from zoo.runtime.errors import UserError
from zoo.text import apply_settings
from zoo.text.normalizer_limit import check_growth
from zoo.text.published_settings import read_files, settings_of
from zoo.text.tokenizer_settings import TokenizerSettings

EXPECTED = "tokenizer.json, vocab.txt, or vocab.json with merges.txt"


class LoadedTokenizer(NamedTuple):
    """A tokenizer as its files have it."""

    backend: tokenizers.Tokenizer
    settings: TokenizerSettings | None  # None without files beside it
    notes: tuple[str, ...] = ()  # a line for each setting that zoo does not follow


def load(path: Path) -> LoadedTokenizer:
    """The tokenizer in a file or folder. Raises `UserError` in one line that names the file."""
    path = _file_of(path)
    files = read_files(path)
    loaders = {"vocab.txt": _load_bert, "vocab.json": _load_gpt2}
    try:
        loaded = _with_files(loaders.get(path.name, _load_json)(path), path, files)
        loaded.backend.encode("a")  # fails where the model's unknown token is not in its vocabulary
    except BaseException as error:  # the Rust library raises bare Exception for whatever is wrong in a file
        if not is_library_error(error):
            raise
        reason = (str(error) or repr(error)).splitlines()[0]
        raise UserError(f"{path} is not a complete tokenizer file ({reason}). Expected {EXPECTED}.") from None
    return loaded


def is_library_error(error: BaseException) -> bool:
    """Whether an error is an ordinary one, or a panic of the Rust library, which is no `Exception`."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _with_files(backend, path, files):
    """The tokenizer with the settings of the files beside it."""
    check_growth(backend)
    if files is None:
        return LoadedTokenizer(backend, None)
    backend = apply_settings.with_class_settings(backend, files)
    settings = settings_of(files, backend)
    apply_settings.add_listed_tokens(backend, files, settings)
    backend = apply_settings.with_markers(backend, settings)
    if path.name == "vocab.json":  # tokenizer.json has a template of its own
        apply_settings.with_begin_and_end(backend, files, settings)
    return LoadedTokenizer(backend, settings, (*files.notes, *apply_settings.missing_roles(backend, settings)))


def _file_of(path: Path) -> Path:
    """The file to load: `path` itself, or the preferred file in the folder `path`."""
    if path.is_file():
        return path.with_name("vocab.json") if path.name == "merges.txt" else path
    if not path.is_dir():
        raise UserError(f"There is no tokenizer at {path}. Expected {EXPECTED}, or a folder that holds it.")
    for name in ("tokenizer.json", "vocab.txt", "vocab.json"):
        if (path / name).is_file():
            return path / name
    models = sorted(file.name for file in path.glob("*.model"))  # of SentencePiece: spiece.model, tokenizer.model
    hint = f" {models[0]} alone is not read: AutoTokenizer of transformers saves a tokenizer.json." if models else ""
    raise UserError(f"The folder {path} holds no tokenizer. Expected {EXPECTED} in it.{hint}")


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
    present = [name for name in names if name in vocabulary]
    backend.add_special_tokens([AddedToken(name, lstrip=name == "<mask>", normalized=False) for name in present])
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
