"""Settings of a published tokenizer: tokenizer_config.json, special_tokens_map.json, chat templates, end ids."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers

from zoo.runtime.errors import UserError, shorten
from zoo.text.settings_keys import CLASS_ROLES, class_of, key_notes
from zoo.text.tokenizer_settings import CONFIG, ROLES, STOP_IDS, UNLIMITED, TokenizerSettings, beside

SENTINEL = re.compile(r"<extra_id_\d+>")  # T5's, which its class counts among the special tokens
EXTRA = ("extra_special_tokens", "additional_special_tokens", "model_specific_special_tokens")


@dataclass(frozen=True)
class PublishedFiles:
    """The JSON files of a published folder that concern its tokenizer; {} for a missing one."""

    config: dict[str, Any]  # tokenizer_config.json, with the special tokens of special_tokens_map.json
    model: dict[str, Any]  # config.json
    generation: dict[str, Any]  # generation_config.json
    added_tokens: dict[str, int]  # added_tokens.json, unless `config` has an added_tokens_decoder
    chat_templates: dict[str, str]  # of chat_template.jinja, additional_chat_templates and `config`
    notes: tuple[str, ...]  # a line for each key that zoo does not follow

    @property
    def tokenizer_class(self) -> str:
        """The name of transformers' tokenizer class, without "Fast"; "" where no file tells."""
        return class_of(self.config, self.model)


def read_files(path: Path) -> PublishedFiles | None:
    """The files beside the tokenizer at `path`; None where there are none. Raises `UserError` for a damaged file."""
    config, model, generation = (
        _read(beside(path, name)) for name in (CONFIG, "config.json", "generation_config.json")
    )
    special, added = _read(beside(path, "special_tokens_map.json")), _read(beside(path, "added_tokens.json"))
    templates = _chat_templates(path, config)
    if not any((config, model, generation, special, added, templates)):
        return None
    notes = [*key_notes(config, CONFIG), *key_notes(special, "special_tokens_map.json")]
    if "added_tokens_decoder" in config:  # transformers then reads neither of the two older files
        special, added = {}, {}
    return PublishedFiles(config | special, model, generation, added, templates, tuple(notes))


def settings_of(files: PublishedFiles, backend: tokenizers.Tokenizer) -> TokenizerSettings:
    """The settings of a tokenizer from the files beside it."""
    config = files.config
    roles = {role: content(config[role]) for role in ROLES if config.get(role)}
    defaults = CLASS_ROLES.get(files.tokenizer_class, {})
    known = {role: token for role, token in defaults.items() if backend.token_to_id(token) is not None}
    roles = {role: token for role, token in known.items() if role not in config} | roles
    bpe = type(backend.model).__name__ == "BPE"
    even_for_bpe = config.get("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", False)
    return TokenizerSettings(
        roles=roles,
        markers=() if config.get("split_special_tokens") else _markers(files, backend, roles),
        stop_ids=_stop_ids(files, backend),
        chat_templates=files.chat_templates,
        max_length=_max_length(config),
        clean_up=bool(config.get("clean_up_tokenization_spaces")) and (not bpe or bool(even_for_bpe)),
    )


def max_length(path: Path) -> int | None:
    """The longest text in ids by the tokenizer_config.json beside `path`; None where it states no limit."""
    return _max_length(_read(beside(path, CONFIG)))


def _max_length(config):
    length = config.get("model_max_length", config.get("max_len"))
    return int(length) if isinstance(length, int | float) and 0 < length < UNLIMITED else None


def content(token: Any) -> str:
    """The text of a special token, which JSON has as a string or as an object."""
    return str(token.get("content", "")) if isinstance(token, Mapping) else str(token)


def _markers(files, backend, roles):
    """Additional special tokens, which are made to stand in texts; those with a role never come from a text."""
    tokens = [token for key in EXTRA for token in _listed(files.config.get(key))]
    tokens += [value for key, value in files.config.items() if key.endswith("_token") and key not in ROLES and value]
    if files.tokenizer_class == "T5Tokenizer":
        tokens += sorted(filter(SENTINEL.fullmatch, backend.get_vocab()))
    names = dict.fromkeys(content(token) for token in tokens)
    return tuple(name for name in names if name and name not in roles.values())


def _listed(tokens):
    """The tokens of a list, or of an object of named tokens."""
    return list(tokens.values()) if isinstance(tokens, Mapping) else list(tokens or ())


def _stop_ids(files, backend):
    """The ids that end a text, by generation_config.json or else config.json; those out of the vocabulary are none."""
    source = next((part for part in (files.generation, files.model) if part.get("eos_token_id") is not None), {})
    ids = files.config.get(STOP_IDS, source.get("eos_token_id"))
    ids = ids if isinstance(ids, list) else [ids]
    return tuple(id for id in ids if type(id) is int and id >= 0 and backend.id_to_token(id) is not None)


def _chat_templates(path, config):
    """{name: template}; files come before the key `chat_template`."""
    templates, jinja = {}, beside(path, "chat_template.jinja")
    if jinja.is_file():
        templates["default"] = _read_text(jinja)
    for file in sorted(beside(path, "additional_chat_templates").glob("*.jinja")):
        templates[file.stem] = _read_text(file)
    value = config.get("chat_template")
    if templates or not value:
        return templates
    if isinstance(value, str):
        return {"default": value}
    try:
        pairs = value.items() if isinstance(value, dict) else ((item["name"], item["template"]) for item in value)
        named = {name: template for name, template in pairs if isinstance(name + template, str)}
    except (TypeError, KeyError):
        raise UserError(
            "Expected a template, or a list of objects with name and template, as chat_template in "
            f"{beside(path, CONFIG)}. Received: {shorten(value)}."
        ) from None
    return named


def _read_text(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"Expected UTF-8 in {path}. Received: {error}.") from None


def _read(path):
    """The object in a JSON file; {} where there is no file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"Expected JSON in {path}. Received: a damaged file ({error}).") from None
    if not isinstance(value, dict):
        raise UserError(f"Expected an object in {path}. Received: {type(value).__name__}.")
    return value
