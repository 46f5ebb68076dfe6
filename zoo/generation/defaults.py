"""Generation defaults of a model: parameters of text generation where the caller gives none."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from zoo.generation.generation_config import GenerationConfig
from zoo.runtime.errors import UserError, unknown
from zoo.runtime.parsing import parse

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p")
BEAMS = ("beams", "length_penalty", "return_sequences")
UNCONSTRAINED = ("no_repeat_ngram", "bad_words", "min_tokens")  # that constrained decoding refuses


def config_of(
    objective: Any, arguments: Mapping[str, Any], constrained: bool = False, defaults: bool = True
) -> GenerationConfig:
    """The `GenerationConfig` of arguments, with the defaults of an objective for those that are None.

    A default gives way where it contradicts an argument: a temperature of 0 leaves no `top_p`.

    Args:
        objective: with `max_new_tokens`, and the defaults `generation`, {parameter: value}.
        arguments: {parameter: value or None}.
        constrained: whether decoding is constrained, which refuses some defaults.
        defaults: whether the objective's `generation` counts.

    Raises UserError for an unknown default, and as `GenerationConfig`.
    """
    arguments = {name: value for name, value in arguments.items() if value is not None}
    model_defaults = _parsed(getattr(objective, "generation", {})) if defaults else {}
    dropped = _dropped(arguments, constrained)
    values: dict[str, Any] = {name: value for name, value in model_defaults.items() if name not in dropped} | arguments
    if values.get("return_sequences", 1) > values.get("beams", 1) and "return_sequences" not in arguments:
        values.pop("return_sequences", None)
    limit = values.setdefault("max_new_tokens", getattr(objective, "max_new_tokens", 64))
    if "min_tokens" in values and "min_tokens" not in arguments:
        values["min_tokens"] = min(values["min_tokens"], limit)
    values.setdefault("fit_context", "max_new_tokens" not in arguments)
    return GenerationConfig(**values)


def _dropped(arguments, constrained):
    """The names of defaults that give way to what is given."""
    greedy = arguments.get("temperature") == 0 or arguments.get("beams", 1) > 1 or "contrastive_alpha" in arguments
    dropped = set(SAMPLING if greedy else ()) | set(UNCONSTRAINED if constrained else ())
    return dropped | set(BEAMS if arguments.get("temperature") or "contrastive_alpha" in arguments else ())


def _parsed(defaults):
    """The defaults; text, as an override `objective.generation.beams=4` gives it, becomes a value."""
    types, known = get_type_hints(GenerationConfig), [field.name for field in fields(GenerationConfig)]
    for name in defaults:
        if name not in known:
            raise UserError(unknown("generation default", name, known))
    values = {name: parse(value, types[name]) if isinstance(value, str) else value for name, value in defaults.items()}
    if "logit_bias" in values:  # keys of JSON are strings
        bias = values["logit_bias"].items()
        values["logit_bias"] = {int(key) if str(key).isdecimal() else key: value for key, value in bias}
    return values
