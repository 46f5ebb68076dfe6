"""The OpenAI-compatible API in the OpenAPI description of a server, where a model generates or embeds text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zoo.serving.http.openapi_operation import ERRORS, operation
from zoo.serving.openai.model_access import embeds, generates
from zoo.serving.service import Service

EVENTS = "Server-sent events: the data of each is a chunk in JSON, that of the last is [DONE]."
STRING, BOOLEAN, OBJECT = {"type": "string"}, {"type": "boolean"}, {"type": "object"}
IDS = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
TEXTS = {"anyOf": [STRING, IDS, *({"type": "array", "items": item, "minItems": 1} for item in (STRING, IDS))]}
SAMPLING: dict[str, Any] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "minimum": 0, "maximum": 1},
    "max_tokens": {"type": "integer", "minimum": 1},
    "n": {"type": "integer", "minimum": 1, "maximum": 128},
    "stop": {"anyOf": [STRING, {"type": "array", "items": STRING, "minItems": 1, "maxItems": 4}]},
    "seed": {"type": "integer"},
    "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
    "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
    "logit_bias": {"type": "object", "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100}},
    "stream": BOOLEAN,
    "stream_options": {"type": "object", "properties": {"include_usage": BOOLEAN}},
    "response_format": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}, "json_schema": OBJECT},
    },
    "top_k": {"type": "integer", "minimum": 1},
    "min_p": {"type": "number", "minimum": 0, "maximum": 1},
    "repetition_penalty": {"type": "number", "minimum": 0.01, "maximum": 100},
    "user": STRING,
    "metadata": OBJECT,
    "safety_identifier": STRING,
    "prompt_cache_key": STRING,
}
TOP_LOGPROBS = {"type": "integer", "minimum": 0, "maximum": 20}
COMPLETION = SAMPLING | {
    "prompt": TEXTS,
    "echo": BOOLEAN,
    "logprobs": TOP_LOGPROBS,
    "best_of": {"type": "integer", "minimum": 1, "maximum": 128},
}
MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant"]},
        "content": {"anyOf": [STRING, {"type": "array", "items": OBJECT, "minItems": 1}]},
    },
}
CHAT = SAMPLING | {
    "messages": {"type": "array", "items": MESSAGE, "minItems": 1},
    "max_completion_tokens": SAMPLING["max_tokens"],
    "logprobs": BOOLEAN,
    "top_logprobs": TOP_LOGPROBS,
}
EMBEDDINGS = {
    "input": TEXTS,
    "encoding_format": {"enum": ["float", "base64"]},
    "dimensions": {"type": "integer", "minimum": 1},
    "user": STRING,
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": STRING, "type": STRING},
        }
    },
}
ENTRY = {"type": "object", "required": ["id", "object", "created", "owned_by"]}


def openai_paths(service: Service) -> dict[str, Any]:
    """`{path: operations}` of the API, for the models that generate or embed text; {} where there are none."""
    writers, encoders = ([model.name for model in service.latest if test(model)] for test in (generates, embeds))
    answers = _schema("choices", "usage")
    paths: dict[str, Any] = {}
    if writers:
        paths["/v1/completions"] = _post("Continue prompts", writers, COMPLETION, answers, stream=True)
        paths["/v1/chat/completions"] = _post("Answer", writers, CHAT, answers, required=["messages"], stream=True)
    if encoders:
        paths["/v1/embeddings"] = _post("Embed texts", encoders, EMBEDDINGS, _schema("data", "usage"), ["input"])
    if paths:
        paths["/openai/v1/models"] = {"get": _operation("The models of this API", _schema("data"), ["401"])}
    return paths | {
        f"/openai/v1/models/{name}": {"get": _operation(f"The model {name}", ENTRY, ["401", "404", "503"])}
        for name in dict.fromkeys((*writers, *encoders))
    }


def _post(summary, models, properties, schema, required=(), stream=False):
    content = {"text/event-stream": {"schema": {"description": EVENTS}}} if stream else {}
    post = _operation(summary, schema, ERRORS, content)
    body = {
        "type": "object",
        "required": ["model", *required],
        "properties": {"model": {"enum": models}, **properties},
        "additionalProperties": False,
    }
    post["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return {"post": post}


def _operation(summary: str, schema: dict[str, Any], errors: Iterable[str], content: Any = None) -> dict[str, Any]:
    """An operation whose answer has a schema, and perhaps further content, and whose errors are OpenAI's."""
    answers = {"200": {"description": "The answer.", "content": _json(schema) | (content or {})}}
    failures = {status: {"description": ERRORS[status], "content": _json(ERROR)} for status in errors}
    return operation(summary, answers | failures)


def _schema(*required: str) -> dict[str, Any]:
    return {"type": "object", "required": ["object", *required]}


def _json(schema):
    return {"application/json": {"schema": schema}}
