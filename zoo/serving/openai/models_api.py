"""`GET /v1/models` and `GET /v1/models/{model}`: the models that generate or embed text."""

from __future__ import annotations

from typing import Any

from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.openai.openai_error import OpenAIError, answering


def list_models(access: ModelAccess) -> Any:
    """The handler of the list of models."""

    @answering
    async def handle(request):
        from starlette.responses import JSONResponse

        return JSONResponse({"object": "list", "data": [_entry(model) for model in access.models()]})

    return handle


def retrieve_model(access: ModelAccess) -> Any:
    """The handler of one model."""

    @answering
    async def handle(request):
        from starlette.responses import JSONResponse

        name = request.path_params["model"]
        with access.lease(name) as model:
            if not access.supports(model):
                message = f"The model '{name:.200}' neither generates nor embeds text."
                raise OpenAIError(message, "model", "model_not_found", 404)
            return JSONResponse(_entry(model))

    return handle


def _entry(model):
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": "zoo"}
