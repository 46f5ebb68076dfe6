"""Generation defaults of a published folder: generation_config.json, or the same keys in an older config.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.checkpoints.generation_keys import (
    FILE,
    KEYS,
    LENGTHS,
    NOT_APPLIED,
    NUMBERS,
    SAMPLING,
    STARTS,
    TOKENIZER,
    TOP_K,
)
from zoo.checkpoints.hf_config import read_json
from zoo.generation.generation_config import GenerationConfig
from zoo.objectives import Generates
from zoo.runtime.errors import UserError, shorten
from zoo.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class GenerationDefaults:
    """What a folder says about text generation.

    Attributes:
        file: the file that says so.
        values: its keys.
        parameters: defaults for `GenerationConfig`, by its names.
        decoder_start: the names of special tokens, or tokens, that the decoder starts with; None: the architecture's.
        notes: {key: a sentence on what is not as in transformers}.
    """

    file: str
    values: dict[str, Any]
    parameters: dict[str, Any]
    decoder_start: tuple[str, ...] | None
    notes: dict[str, str]


def read_generation_defaults(
    folder: Path, config: Mapping[str, Any], tokenizer: Tokenizer, encoder_decoder: bool
) -> GenerationDefaults:
    """The generation defaults of a folder. As in transformers, those of config.json count only without the other file.

    Raises UserError for a value of another type or out of its range.
    """
    path = folder / FILE
    file, values = (
        (FILE, read_json(path)) if path.is_file() else ("config.json", {k: config[k] for k in KEYS & set(config)})
    )
    values = {key: value for key, value in values.items() if value is not None}
    start = _decoder_start(values, config, tokenizer) if encoder_decoder else None
    parameters, notes = _parameters(values, file), _notes(values, encoder_decoder)
    if encoder_decoder:
        parameters |= _lengths(values, len(start or ("start",)), file)
    return GenerationDefaults(file, values, _checked(parameters, file), start, notes)


def _parameters(values, file):
    """Defaults for `GenerationConfig` from the keys that have the same meaning in transformers."""
    parameters = {
        name: _number(key, values[key], file)
        for key, (name, neutral) in NUMBERS.items()
        if values.get(key, neutral) != neutral
    }
    if values.get("do_sample"):
        sampling = {"temperature": 1.0, "top_k": TOP_K} | {key: values[key] for key in SAMPLING if key in values}
        for key, (name, neutral) in SAMPLING.items():
            if key in sampling and (key == "temperature" or sampling[key] != neutral):
                parameters[name] = _number(key, sampling[key], file)
        parameters.pop("beams", None)  # transformers samples within beams; the zoo has no such search
    words = _word_ids("bad_words_ids", values.get("bad_words_ids") or [], file)
    words += _word_ids("suppress_tokens", _singles(values.get("suppress_tokens") or []), file)
    return parameters | ({"bad_words": words} if words else {})


def _lengths(values, start, file):
    """{"max_new_tokens", "min_tokens"} from lengths that count the ids that the decoder starts with."""
    lengths = {key: _number(key, values[key], file) for key in LENGTHS if values.get(key)}
    parameters = {}
    if "max_length" in lengths and "max_new_tokens" not in values:
        parameters["max_new_tokens"] = max(lengths["max_length"] - start, 1)
    if "min_length" in lengths and "min_new_tokens" not in values:
        parameters["min_tokens"] = max(lengths["min_length"] - start, 0)
    return parameters


def _decoder_start(values, config, tokenizer):
    """The tokens that the decoder starts with; None where nothing is said."""
    first = values.get("decoder_start_token_id", config.get("decoder_start_token_id"))
    if first is None:
        return None
    ids = [first, *([values["forced_bos_token_id"]] if "forced_bos_token_id" in values else [])]
    return tuple(_token(id, tokenizer) for id in ids)


def _token(id, tokenizer):
    """The role of a special id, by which an objective names it, or else its token."""
    roles = {tokenizer.padding: "padding", tokenizer.end: "end", tokenizer.start: "start"}  # of `start_and_end`
    token = tokenizer.token(id) if isinstance(id, int) and not isinstance(id, bool) and id >= 0 else None
    if token is None:
        raise UserError(f"Expected the id of a token to start the decoder with. Received: {shorten(id, 40)}.")
    return str(roles.get(id, token))


def _notes(values, encoder_decoder):
    notes = {
        key: f"{key}={shorten(values[key], 40)} is not applied: texts may differ from those of transformers"
        for key, neutral in NOT_APPLIED.items()
        if key in values and values[key] not in neutral
    }
    if "forced_eos_token_id" in notes:
        notes["forced_eos_token_id"] = "a text that reaches its greatest length ends without the end token"
    if "early_stopping" in notes and values.get("num_beams", 1) == 1:
        del notes["early_stopping"]
    if values.get("do_sample") and values.get("num_beams", 1) > 1:
        notes["num_beams"] = "texts are sampled without beams"
    if encoder_decoder and "forced_bos_token_id" in values and values.get("num_beams", 1) > 1:
        notes["forced_bos_token_id"] = "is no part of the length of a beam here: another beam may be the best one"
    if not encoder_decoder and values.get("max_length"):
        notes["max_length"] = (
            "counts the prompt too: 64 new tokens are the default; --max-new-tokens sets another number"
        )
    if not encoder_decoder and values.get("min_length"):
        notes["min_length"] = "counts the prompt too and is not applied: --min-tokens sets the fewest new tokens"
    if not encoder_decoder and "forced_bos_token_id" in values:
        notes["forced_bos_token_id"] = "is not applied"
    return notes


def _singles(ids):
    return [[id] for id in ids] if isinstance(ids, list) else ids


def _word_ids(key, words, file):
    """Lists of ids. Raises UserError for another form."""
    are_lists = isinstance(words, list) and all(isinstance(word, list) and word for word in words)
    if not are_lists or not all(isinstance(id, int) and id >= 0 for word in words for id in word):
        raise UserError(f"Expected lists of ids as {key} in {file}. Received: {shorten(words, 40)}.")
    return words


def _number(key, value, file):
    is_count = (key in NUMBERS and "penalty" not in key) or key in (*LENGTHS, "top_k")
    if isinstance(value, bool) or not isinstance(value, int if is_count else int | float):
        kind = "a whole number" if is_count else "a number"
        raise UserError(f"Expected {kind} as {key} in {file}. Received: {shorten(value, 40)}.")
    return value


def _checked(parameters, file):
    """The parameters. Raises UserError where `GenerationConfig` refuses them."""
    try:
        GenerationConfig(**parameters)
    except (UserError, TypeError) as error:
        raise UserError(f"Expected generation settings that go together in {file}. Received: {error}") from None
    return parameters


def to_generation_config(objective: Any, config: Mapping[str, Any], tokenizer: Tokenizer) -> dict[str, Any]:
    """The generation_config.json of an objective with generation defaults or with two start tokens; {} for others.

    Args:
        objective: of a model.
        config: its config.json, of which the special ids are repeated, as transformers does.
        tokenizer: of the model.
    """
    parameters: dict[str, Any] = dict(getattr(objective, "generation", {}))
    names = {name: key for key, (name, _) in (NUMBERS | SAMPLING).items()}
    values = {names[name]: value for name, value in parameters.items() if name in names}
    values |= {"do_sample": True} if parameters.get("temperature") else {}
    values |= {"bad_words_ids": parameters["bad_words"]} if parameters.get("bad_words") else {}
    if "decoder_start_token_id" in config and isinstance(objective, Generates):
        start = objective.start_and_end(tokenizer)[0].tolist()  # pyright: ignore[reportAttributeAccessIssue]
        values |= {"forced_bos_token_id": start[1]} if len(start) > 1 else {}
    special = {key: config[key] for key in (*TOKENIZER, *STARTS) if config.get(key) is not None}
    return special | values if values else {}
