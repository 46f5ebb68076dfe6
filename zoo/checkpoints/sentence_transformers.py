"""Folders of sentence-transformers: pooling, prompt and length of all its releases, and a line for what zoo leaves out.

modules.json lists the modules; the pooling's config.json has a boolean for each mode, or since release 5.4
`pooling_mode`. https://sbert.net/docs/package_reference/sentence_transformer/models.html
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError
from zoo.text.published_settings import max_length

MODULES, PROMPTS, LENGTHS = "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"
POOLINGS: dict[str, tuple[str | None, str]] = {  # mode since 5.4 -> (pooling of zoo, mode of the booleans before)
    "cls": ("first", "cls_token"),
    "mean": ("mean", "mean_tokens"),
    "max": ("max", "max_tokens"),
    "lasttoken": ("last", "lasttoken"),
    "mean_sqrt_len_tokens": ("mean", "mean_sqrt_len_tokens"),  # the mean at another length: vectors have length 1
    "weightedmean": (None, "weightedmean_tokens"),
}
SUPPORTED = ("Transformer", "Pooling", "Normalize")
UNREAD = {  # key of `LENGTHS` -> values that change nothing
    **dict.fromkeys(("max_seq_length", "transformer_task", "modality_config", "module_output_name", "unpad_inputs")),
    **dict.fromkeys(("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args"), ()),
    **dict.fromkeys(("processing_kwargs", "message_format", "method_output_name", "track_media_counts"), ()),
}
KNOWN_PROMPTS = ("__version__", "prompts", "default_prompt_name", "similarity_fn_name", "model_type")


def is_sentence_transformer(folder: Path) -> bool:
    """Whether a folder is one of sentence-transformers, of a model that embeds texts."""
    return (folder / MODULES).is_file()


def read_embedder(folder: Path) -> dict[str, Any]:
    """The fields `pooling` and `prompt` of embed_text. Raises UserError for a module or a pooling that zoo lacks."""
    return {"pooling": read_pooling(folder), "prompt": read_prompt(folder)}


def read_pooling(folder: Path) -> str | None:
    """The pooling of sentence-transformers, None without its files. Raises UserError for one that the zoo lacks."""
    paths = {_name(module): str(module.get("path", "")) for module in _read(folder / MODULES, [])}
    if unknown := set(paths) - set(SUPPORTED):
        raise UserError(f"Expected only {', '.join(SUPPORTED)} in {folder}/{MODULES}. Received: {min(unknown)}.")
    if paths and "Normalize" not in paths:
        print_once(f"{folder} has no Normalize module: zoo's vectors have the same directions, and length 1.")
    path = folder / paths.get("Pooling", "1_Pooling") / "config.json"
    if not path.is_file():
        return None
    settings = _read(path, {})
    modes = _modes(settings)
    poolings = {POOLINGS[mode][0] for mode in modes if mode in POOLINGS}
    if len(modes) != 1 or None in poolings or not poolings:
        supported = ", ".join(mode for mode, (pooling, _) in POOLINGS.items() if pooling)
        raise UserError(
            f"Expected one pooling mode of {supported} in {path}. Received: {' and '.join(modes) or 'none'}."
        )
    if settings.get("include_prompt") is False and read_prompt(folder):
        raise UserError(f"Expected pooling over the prompt as well in {path}. Received: include_prompt=false.")
    return poolings.pop()


def _modes(settings):
    """The pooling modes of a configuration, by their names since release 5.4."""
    if "pooling_mode" in settings:
        mode = settings["pooling_mode"]
        return [str(name) for name in mode] if isinstance(mode, list) else [str(mode)]
    names = {f"pooling_mode_{old}": mode for mode, (_, old) in POOLINGS.items()}
    booleans = {key: on for key, on in settings.items() if key.startswith("pooling_mode_")}
    if not any(booleans.values()) and "pooling_mode_mean_tokens" not in booleans:
        return ["mean"]  # the default of every release
    return [str(names.get(key, key)) for key, on in booleans.items() if on is True]


def read_prompt(folder: Path) -> str:
    """The default prompt, which stands before every text; "" for none. Other prompts are named in a line."""
    settings = _read(folder / PROMPTS, {})
    prompts, name = settings.get("prompts") or {}, settings.get("default_prompt_name")
    if name is not None and name not in prompts:
        raise UserError(f"Expected a prompt {name!r}, the default, in {folder}/{PROMPTS}. Received: {list(prompts)}.")
    others = [key for key, text in prompts.items() if key != name and text]
    if others:
        print_once(
            f"{folder} has prompts for kinds of texts ({', '.join(others)}): put one before a text, or before all by "
            "objective.prompt."
        )
    if settings.get("similarity_fn_name") not in (None, "cosine"):
        print_once(f"{folder} compares vectors by {settings['similarity_fn_name']}; zoo by their cosine.")
    for key in settings.keys() - set(KNOWN_PROMPTS):
        print_once(f"{folder}/{PROMPTS} sets {key}={settings[key]!r:.60}, which zoo leaves unread.")
    return prompts[name] if name is not None else ""


def read_length(folder: Path) -> int | None:
    """The longest text in ids: of sentence-transformers, else of the tokenizer; None where no file has one."""
    settings = _read(folder / LENGTHS, {})
    if settings.get("do_lower_case"):
        print_once(f"{folder}/{LENGTHS} lowercases texts before they are tokenized; zoo leaves this to the tokenizer.")
    for key, value in settings.items():
        unread = key not in UNREAD and key != "do_lower_case"
        if unread or (UNREAD.get(key) == () and value not in (None, {}, [], False)):
            print_once(f"{folder}/{LENGTHS} sets {key}={value!r:.60}, which zoo leaves unread.")
    return settings.get("max_seq_length") or max_length(folder)


def _name(module: Mapping[str, Any]) -> str:
    return str(module.get("type", "")).rpartition(".")[2]


def _read(path, missing):
    """The JSON in a file; `missing` where there is no file."""
    if not path.is_file():
        return missing
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"Expected JSON in {path}. Received: a damaged file ({error}).") from None
    if type(value) is not type(missing) or (value and isinstance(value, list) and not isinstance(value[0], dict)):
        raise UserError(f"Expected {type(missing).__name__} in {path}. Received: {type(value).__name__}.")
    return value
