"""Parameters of text generation in OpenAI's API, as those of a `zoo.generation.generation_config.GenerationConfig`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.openai.request_fields import anything, boolean, check_fields, integer, is_text, number, string

MAX_STOPS = 4
MAX_CHOICES = 128
MAX_TOKENS = 2**20
MAX_BIAS = 100.0
SMALLEST_TOP_P = 1e-9  # 0: only the likeliest token
RANDOM_SEED_BITS = 63
ID_DIGITS = 10  # of a token id: Python refuses to read numbers of thousands of digits
SIMPLE_VALUE = {"type": ["string", "number", "boolean", "null"]}
JSON_OBJECT = {  # of a `response_format` of json_object: two levels deep, because a third takes minutes to compile
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            SIMPLE_VALUE,
            {"type": "array", "items": SIMPLE_VALUE},
            {"type": "object", "additionalProperties": SIMPLE_VALUE},
        ]
    },
}


def _stops(value):
    texts = [value] if isinstance(value, str) else value
    is_list = isinstance(texts, list) and 1 <= len(texts) <= MAX_STOPS
    return None if is_list and all(is_text(text) and text for text in texts) else f"1 to {MAX_STOPS} strings"


def _bias(value):
    excess = number(-MAX_BIAS, MAX_BIAS)
    is_bias = isinstance(value, dict) and all(_is_id(id) and not excess(bias) for id, bias in value.items())
    return None if is_bias else "an object of token ids with numbers from -100 to 100"


def _is_id(text):
    return text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS


def _stream_options(value):
    return None if isinstance(value, dict) else "an object"


def _response_format(value):
    return None if isinstance(value, dict) and isinstance(value.get("type"), str) else "an object with a type"


FIELDS = {  # of completions and of chat completions
    "model": string,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "max_tokens": integer(1, MAX_TOKENS),
    "n": integer(1, MAX_CHOICES),
    "stop": _stops,
    "seed": integer(-(2**63), 2**63 - 1),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "logit_bias": _bias,
    "stream": boolean,
    "stream_options": _stream_options,
    "response_format": _response_format,
    "top_k": integer(1, 2**31 - 1),  # this one and those below are not OpenAI's; other servers have them too
    "min_p": number(0, 1),
    "repetition_penalty": number(0.01, 100),
    "user": string,  # this one and those below change nothing
    "metadata": anything,
    "safety_identifier": string,
    "prompt_cache_key": string,
}
SCHEMAS = {"text": None, "json_object": JSON_OBJECT}  # of types of `response_format` that have a schema of their own
UNSUPPORTED = {"store": (False,), "service_tier": ("auto", "default"), "prompt_cache_retention": ()}
PROCESSORS = ("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty")


@dataclass(frozen=True, kw_only=True)
class SamplingFields:
    """The parameters of a request that its choices share.

    Attributes:
        arguments: for a `GenerationConfig`, only those that the request has.
        max_tokens: most new tokens; None: the model's default.
        stop: stop strings.
        schema: the JSON schema of the texts; None: any text.
        stream, include_usage: whether the answer is a stream of events, and whether its last one has the usage.
        n: number of choices for a prompt.
        seed: of the samples: the request's, or a random one.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    stream: bool = False
    include_usage: bool = False
    n: int = 1
    seed: int = 0


def sampling_fields(values: Mapping[str, Any]) -> SamplingFields:
    """The `SamplingFields` of the checked values of a request. Raises OpenAIError for values that contradict."""
    arguments: dict[str, Any] = {name: values[name] for name in PROCESSORS if name in values}
    if "top_p" in arguments:
        arguments["top_p"] = max(arguments["top_p"], SMALLEST_TOP_P)
    for name in ("frequency_penalty", "presence_penalty"):
        if not arguments.get(name, True):
            del arguments[name]
    if bias := values.get("logit_bias"):
        arguments["logit_bias"] = {int(id): float(value) for id, value in bias.items()}
    stop = values.get("stop", [])
    return SamplingFields(
        arguments=arguments,
        max_tokens=values.get("max_completion_tokens", values.get("max_tokens")),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        schema=_schema(values.get("response_format", {"type": "text"})),
        stream=values.get("stream", False),
        include_usage=_include_usage(values),
        n=values.get("n", 1),
        seed=values.get("seed", secrets.randbits(RANDOM_SEED_BITS)),
    )


def _include_usage(values):
    if "stream_options" not in values:
        return False
    if not values.get("stream"):
        raise OpenAIError("Expected stream_options only with stream=true.", "stream_options", "invalid_value")
    fields = {"include_usage": boolean, "include_obfuscation": boolean}
    options = check_fields(values["stream_options"], fields, {}, "stream_options.")
    if options.get("include_obfuscation"):
        name = "stream_options.include_obfuscation"
        raise OpenAIError(f"Unsupported parameter: '{name}' must be false.", name, "unsupported_parameter")
    return options.get("include_usage", False)


def _schema(response_format):
    """The JSON schema of a `response_format`; None for text."""
    kind, path = response_format["type"], "response_format."
    if kind in SCHEMAS:
        check_fields(response_format, {"type": string}, {}, path)
        return SCHEMAS[kind]
    if kind != "json_schema":
        known = ", ".join((*SCHEMAS, "json_schema"))
        message = f"Unsupported value: 'response_format.type' {kind!r:.40}. Supported: {known}."
        raise OpenAIError(message, "response_format.type", "unsupported_value")
    fields = {"type": string, "json_schema": lambda value: None if isinstance(value, dict) else "an object"}
    values = check_fields(response_format, fields, {}, path)
    parts = {"name": string, "description": string, "strict": boolean, "schema": fields["json_schema"]}
    schema = check_fields(values.get("json_schema", {}), parts, {}, f"{path}json_schema.").get("schema")
    if schema is None:
        name = "response_format.json_schema.schema"
        raise OpenAIError(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    return schema
