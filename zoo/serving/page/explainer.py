"""Explanations for the page: the network of a served model, captured on a text, as a page of `zoo explore`."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from zoo.runtime.errors import UserError, shorten
from zoo.serving.request_limits import check_inputs
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError, invalid
from zoo.serving.versions.exported_settings import NETWORK, has_settings
from zoo.serving.versions.loaded_model import LoadedModel

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline

logger = logging.getLogger("zoo.serve")


def explainable(model: LoadedModel) -> bool:
    """Whether the network of a model is in its SavedModel."""
    return has_settings(model.folder, NETWORK)


class Explainer:
    """Explanations of single texts by served models, one at a time.

    The network of a version is loaded from its SavedModel with its first explanation, in Keras, and has its weights
    once more in memory until the version is dropped.

    Args:
        service: the `Service`.
    """

    def __init__(self, service: Service):
        self.service = service
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._pipelines: weakref.WeakKeyDictionary[LoadedModel, Pipeline] = weakref.WeakKeyDictionary()

    async def explain(self, name: str, version: int | None, inputs: Mapping[str, str]) -> str:
        """The page of the explanation of a text.

        Args:
            inputs: {input of the objective: text}.

        Raises ServingError: NOT_FOUND for an unknown model; FAILED_PRECONDITION where its network cannot be loaded;
        INVALID_ARGUMENT for inputs that the objective does not take; and as `Service.call`.
        """
        with self.service.lease(name, version) as model:
            check_inputs({key: [text] for key, text in inputs.items()}, 1, self.service.settings)
            return await self.service.call(model, partial(self._page, model, inputs), self._executor)

    def _page(self, model, inputs):
        from zoo.explore.explanation import explain

        pipeline = self._pipeline(model)
        names = pipeline.objective.fields.inputs
        if set(inputs) != set(names):
            raise invalid(f"Expected a text for each of {', '.join(names)}. Received: {shorten(list(inputs))}.")
        first, *others = (inputs[name] for name in names)
        try:
            return explain(pipeline, [(first, *others) if others else first]).to_html()
        except UserError as error:
            raise invalid(str(error)) from error

    def _pipeline(self, model):
        from zoo.pipeline.model_folder import load

        if model not in self._pipelines:
            try:
                self._pipelines[model] = load(model.folder)
            except UserError as error:
                logger.warning("Cannot explain %s version %d: %s", model.name, model.version, error)
                message = f"The network of the model '{model.name}' cannot be loaded: the server's log says why."
                raise ServingError(Code.FAILED_PRECONDITION, message) from error
        return self._pipelines[model]
