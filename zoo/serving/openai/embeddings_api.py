"""`POST /v1/embeddings`: vectors of texts, by the batched signature of an exported model that embeds."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from zoo.serving.openai.model_access import VECTOR, ModelAccess, embeds
from zoo.serving.openai.openai_error import OpenAIError, answering
from zoo.serving.openai.request_fields import as_list, check_fields, integer, one_of, read_json, string, text_inputs
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE

ENCODE = "encode"  # the signature of the tokenizer
MAX_INPUTS = 2048  # OpenAI's limit
FIELDS = {
    "model": string,
    "input": text_inputs,
    "encoding_format": one_of("float", "base64"),
    "dimensions": integer(1, 2**31 - 1),
    "user": string,
}


def embeddings(access: ModelAccess) -> Any:
    """The handler of embeddings."""

    @answering
    async def handle(request):
        from starlette.responses import JSONResponse

        values = check_fields(read_json(await request.body()), FIELDS, {})
        with access.lease(values.get("model")) as model:
            texts = _texts(model, values)
            tokens = await _token_count(access.service, model, texts)
            outputs = await access.service.run(model, DEFAULT_SIGNATURE, _inputs(model, DEFAULT_SIGNATURE, texts))
        vectors = outputs[VECTOR].astype("<f4")
        _check_dimensions(values, vectors.shape[1])
        encode = _base64 if values.get("encoding_format") == "base64" else np.ndarray.tolist
        data = [{"object": "embedding", "index": i, "embedding": encode(vector)} for i, vector in enumerate(vectors)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": values["model"], "usage": usage})

    return handle


def _texts(model, values):
    """The texts of a request. Raises OpenAIError where there are none, or ids, which the graph does not take."""
    if not embeds(model):
        raise OpenAIError(f"The model '{model.name}' makes no embeddings.", "model", "unsupported_model")
    if "input" not in values:
        raise OpenAIError("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    texts = as_list(values["input"])
    if not isinstance(texts[0], str):
        message = "Expected strings as input: this server tokenizes them. Received: token ids."
        raise OpenAIError(message, "input", "unsupported_value")
    if len(texts) > MAX_INPUTS:
        raise OpenAIError(f"Expected at most {MAX_INPUTS} inputs. Received: {len(texts)}.", "input", "invalid_value")
    if "" in texts:
        raise OpenAIError("Expected inputs of at least one character.", "input", "invalid_value")
    return texts


async def _token_count(service, model, texts):
    """The number of tokens of all texts. Raises OpenAIError for a text that is too long for the model."""
    if ENCODE not in model.signatures:
        return 0
    prefixed = [model.objective.get("prompt", "") + text for text in texts]
    lengths = (await service.run(model, ENCODE, _inputs(model, ENCODE, prefixed)))["length"]
    limit = model.objective.get("length", int(lengths.max()))
    if lengths.max() > limit:
        message = f"The context of this model is {limit} tokens. Received: an input of {lengths.max()} tokens."
        raise OpenAIError(message, "input", "context_length_exceeded")
    return int(lengths.sum())


def _inputs(model, signature, texts):
    (name,) = model.signature(signature).inputs
    return {name: np.array([text.encode() for text in texts], object)}


def _check_dimensions(values, width):
    if values.get("dimensions", width) != width:
        message = f"This model makes embeddings of {width} dimensions. Received: {values['dimensions']}."
        raise OpenAIError(message, "dimensions", "invalid_value")


def _base64(vector):
    return base64.b64encode(vector.tobytes()).decode()
