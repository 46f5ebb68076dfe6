"""Apply tokenizer_config.json to a tokenizer.json, as transformers does where the two files differ.

Transformers 5: a class such as BertTokenizer sets the normaliser or the pre-tokenizer by its own settings and defaults;
PreTrainedTokenizerFast takes tokenizer.json as it is. Tokens of added_tokens_decoder are added by all of them.
"""

import json
from typing import Any

import tokenizers
from tokenizers import AddedToken, processors

from zoo.runtime.errors import UserError
from zoo.text.published_settings import PublishedFiles, content
from zoo.text.settings_keys import GENERIC
from zoo.text.tokenizer_settings import ROLES, TokenizerSettings

FLAGS = ("lstrip", "rstrip", "normalized", "single_word", "special")


def with_class_settings(backend: tokenizers.Tokenizer, files: PublishedFiles) -> tokenizers.Tokenizer:
    """The tokenizer with the normaliser and pre-tokenizer that the class of tokenizer_config.json sets."""
    if not files.config or files.tokenizer_class in ("", *GENERIC):
        return backend
    spec = json.loads(backend.to_str())
    new = {**spec, **_parts(spec, files)}
    return backend if new == spec else tokenizers.Tokenizer.from_str(json.dumps(new))


def _parts(spec, files):
    """The parts of a tokenizer.json that the class sets itself."""
    config, normalizer, pre_tokenizer = files.config, spec["normalizer"], spec["pre_tokenizer"]
    if normalizer and normalizer["type"] == "BertNormalizer":
        lower, chinese = config.get("do_lower_case", True), config.get("tokenize_chinese_chars", True)
        settings = {"lowercase": lower, "strip_accents": config.get("strip_accents"), "handle_chinese_chars": chinese}
        return {"normalizer": normalizer | settings}
    if pre_tokenizer and pre_tokenizer["type"] == "ByteLevel":
        return {"pre_tokenizer": pre_tokenizer | {"add_prefix_space": bool(config.get("add_prefix_space", False))}}
    if files.tokenizer_class == "LlamaTokenizer" and spec["model"]["type"] == "BPE" and not _byte_level(spec):
        return {"normalizer": None, "pre_tokenizer": _llama_metaspace(config)}
    return {}


def _byte_level(spec):
    return '"ByteLevel"' in json.dumps([spec["pre_tokenizer"], spec["decoder"]])


def _llama_metaspace(config):
    """Llama 2's pre-tokenizer: spaces become "▁", and one more stands before the text."""
    prefix = config.get("add_prefix_space")
    scheme = "never" if prefix is False else "always" if config.get("legacy") else "first"
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": False}


def add_listed_tokens(backend: tokenizers.Tokenizer, files: PublishedFiles, settings: TokenizerSettings) -> None:
    """Add the tokens of added_tokens_decoder and added_tokens.json that the tokenizer lacks.

    Raises `UserError` where a token would get another id than the files give it.
    """
    special = {*settings.roles.values(), *settings.markers}
    rows: list[tuple[int, AddedToken]] = []
    for id, token in sorted(files.config.get("added_tokens_decoder", {}).items(), key=lambda item: int(item[0])):
        rows.append((int(id), AddedToken(content(token), **{name: bool(token.get(name, False)) for name in FLAGS})))
    for token, id in sorted(files.added_tokens.items(), key=lambda item: item[1]):
        named = token in special
        rows.append((int(id), AddedToken(token, special=named, normalized=not named)))
    for id, token in rows:
        if backend.token_to_id(token.content) is None or token.content not in _added(backend):
            backend.add_tokens([token])
        received = backend.token_to_id(token.content)
        if received != id:
            raise UserError(f"the added token {token.content!r} has id {received}, and {id} in the file beside it")


def _added(backend):
    return {token.content for token in backend.get_added_tokens_decoder().values()}


def with_markers(backend: tokenizers.Tokenizer, settings: TokenizerSettings) -> tokenizers.Tokenizer:
    """The tokenizer with its additional special tokens as ordinary added tokens, which are matched in texts."""
    if not settings.markers:
        return backend
    spec = json.loads(backend.to_str())
    special = {token["content"] for token in spec["added_tokens"] if token["special"]}
    if special & set(settings.markers):
        for token in spec["added_tokens"]:
            token["special"] &= token["content"] not in settings.markers
        backend = tokenizers.Tokenizer.from_str(json.dumps(spec))
    present = _added(backend)
    new = [AddedToken(marker, normalized=False) for marker in settings.markers if marker not in present]
    if new:
        backend.add_tokens(new)
    return backend


def published_json(backend: tokenizers.Tokenizer, settings: TokenizerSettings | None) -> str:
    """The tokenizer.json of a tokenizer, in which markers are special tokens, as other libraries expect them."""
    if not settings or not settings.markers:
        return backend.to_str(pretty=True)
    spec = json.loads(backend.to_str())
    for token in spec["added_tokens"]:
        token["special"] |= token["content"] in settings.markers
    return json.dumps(spec, indent=2, ensure_ascii=False) + "\n"


def with_begin_and_end(backend: tokenizers.Tokenizer, files: PublishedFiles, settings: TokenizerSettings) -> None:
    """Put the tokens of `add_bos_token` and `add_eos_token` around texts, where there is no template."""
    ids: dict[str, Any] = {}
    for key, role in (("add_bos_token", "bos_token"), ("add_eos_token", "eos_token")):
        token = settings.roles.get(role, "")
        if files.config.get(key) and backend.token_to_id(token) is not None:
            ids[role] = (token, backend.token_to_id(token))
    if not ids or backend.post_processor:
        return
    begin, end = (f"{ids[role][0]}:{{0}} " if role in ids else "" for role in ("bos_token", "eos_token"))
    text = [begin.format(number) + f"${letter}:{number} " + end.format(number) for number, letter in enumerate("AB")]
    backend.post_processor = processors.TemplateProcessing(
        single=text[0].strip(), pair="".join(text).strip(), special_tokens=list(dict(ids.values()).items())
    )


def missing_roles(backend: tokenizers.Tokenizer, settings: TokenizerSettings) -> list[str]:
    """A line for each special token, by its role, that the vocabulary lacks."""
    return [
        f"tokenizer_config.json sets {role}={settings.roles[role]!r}, which the vocabulary lacks: zoo uses none."
        for role in ROLES
        if role in settings.roles and backend.token_to_id(settings.roles[role]) is None
    ]
