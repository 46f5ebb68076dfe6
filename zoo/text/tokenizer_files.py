"""Reading tokenizer files: tokenizer.json, BERT's vocab.txt, and GPT-2's and RoBERTa's vocab.json with merges.txt."""

import json
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

EXPECTED = "tokenizer.json, vocab.txt, or vocab.json with merges.txt"


def read(path):
    """Return the `tokenizers.Tokenizer` at `path`. Raises `ValueError` in one line, naming the file."""
    path = _find(path)
    readers = {"vocab.txt": _read_bert, "vocab.json": _read_gpt2}
    try:
        rust = readers.get(path.name, _read_json)(path)
        rust.encode("a")  # finds a model that lacks its own token for the unknown
    except Exception as error:  # the Rust library raises bare Exception for whatever is wrong in a file
        reason = (str(error) or repr(error)).splitlines()[0]
        raise ValueError(f"{path} is not a whole tokenizer file ({reason}). Expected {EXPECTED}.") from None
    return rust


def _find(path):
    """Return the file to read: `path` itself, or the best file in the folder `path`."""
    if path.is_file():
        return path.with_name("vocab.json") if path.name == "merges.txt" else path
    if not path.is_dir():
        raise ValueError(f"There is no tokenizer at {path}. Expected {EXPECTED}, or a folder that holds it.")
    for name in ("tokenizer.json", "vocab.txt", "vocab.json"):
        if (path / name).is_file():
            return path / name
    raise ValueError(f"The folder {path} holds no tokenizer. Expected {EXPECTED} in it.")


def _read_json(path):
    return tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))


def _option(path, name, otherwise):
    """Return a setting from the tokenizer_config.json beside `path`, where there is one."""
    config = path.with_name("tokenizer_config.json")
    return json.loads(config.read_text(encoding="utf-8")).get(name, otherwise) if config.is_file() else otherwise


def _read_bert(path):
    """Return BERT's tokenizer from its vocab.txt. Without a tokenizer_config.json, no capital letter means uncased."""
    words = path.read_text(encoding="utf-8").split("\n")
    words = words[:-1] if words[-1] == "" else words
    vocabulary = {word.rstrip("\r"): i for i, word in enumerate(words)}
    special = [name for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if name in vocabulary]
    for name in ("[UNK]", "[CLS]", "[SEP]"):
        if name not in vocabulary:
            raise ValueError(f"it has no line {name}")
    cased = any(word != word.lower() for word in vocabulary if word not in special and not word.startswith("[unused"))
    lower = _option(path, "do_lower_case", not cased)
    rust = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    rust.normalizer = normalizers.BertNormalizer(lowercase=lower)
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.decoder = decoders.WordPiece()
    rust.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    rust.add_special_tokens(special)
    return rust


def _read_gpt2(path):
    """Return GPT-2's tokenizer, or RoBERTa's if the vocabulary has its <s> and </s>."""
    merges = path.with_name("merges.txt")
    if not merges.is_file():
        raise ValueError("there is no merges.txt beside it")
    vocabulary = json.loads(path.read_text(encoding="utf-8"))
    prefix = _option(path, "add_prefix_space", False)
    rust = tokenizers.Tokenizer(models.BPE(vocabulary, _read_merges(merges)))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    rust.decoder = decoders.ByteLevel()
    names = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>")
    rust.add_special_tokens([name for name in names if name in vocabulary])
    if {"<s>", "</s>"} <= set(vocabulary):
        ends = [(name, vocabulary[name]) for name in ("</s>", "<s>")]
        rust.post_processor = processors.RobertaProcessing(*ends, trim_offsets=False, add_prefix_space=prefix)
    return rust


def _read_merges(path):
    """Return the pairs in a merges.txt, whose first line may name a version."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    pairs = [tuple(line.rstrip("\r").split(" ")) for line in lines if line and not line.startswith("#version")]
    for number, pair in enumerate(pairs, 1):
        if len(pair) != 2:
            raise ValueError(f"{path.name}, pair {number}, has not two tokens: {' '.join(pair)!r}")
    return pairs
