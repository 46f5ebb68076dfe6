"""A served model that generates text: its pipeline, its running batch, and requests as rows of token ids."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.generation.chat import answer_ending
from zoo.generation.context import UNLIMITED, max_context
from zoo.generation.continuous_batch import ContinuousBatch
from zoo.generation.defaults import config_of
from zoo.generation.generation_request import GenerationRequest, generation_request
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.objectives.translate import Translate
from zoo.pipeline.model_folder import load
from zoo.pipeline.pipeline import Pipeline
from zoo.serving.openai.json_constraints import JsonConstraints
from zoo.serving.openai.openai_error import OpenAIError
from zoo.serving.openai.sampling_fields import SamplingFields
from zoo.serving.openai.served_objective import chat_objective, served_objective

MAX_TEXT_TOKENS = 8192  # of a network whose context has no limit
COMPLETION_TOKENS = 16  # OpenAI's default of max_tokens for completions
WARM_UP_TEXT = "A text."


class TextModel:
    """A model that generates text, with a running batch of its own.

    Args:
        pipeline: the `zoo.pipeline.pipeline.Pipeline` of an objective that generates.
        max_rows, max_queue: as of `zoo.generation.continuous_batch.ContinuousBatch`.
        max_characters: most characters of a prompt, and of a message.

    Attributes:
        batch: the `ContinuousBatch`.
        chat: the objective whose template formats conversations; None where the model has none.
        ending: text of the chat template after an answer, without white space.
    """

    def __init__(self, pipeline: Pipeline, max_rows: int, max_queue: int, max_characters: int):
        self.pipeline, self.tokenizer, self.max_characters = pipeline, pipeline.tokenizer, max_characters
        self.batch = ContinuousBatch(pipeline.model, pipeline.tokenizer, max_rows, max_queue)
        self.plan = self.batch.step.network.plan
        self.objective: Any = served_objective(pipeline.objective)
        self.chat = chat_objective(self.objective, self.tokenizer)
        self.ending = answer_ending(self.chat.template).strip() if self.chat else ""
        self.vocabulary = self.batch.step.network.vocabulary
        self._constraint_of = JsonConstraints(self.tokenizer, self.vocabulary)

    @property
    def max_tokens(self) -> int:
        """Most tokens of a text, prompt and new tokens together; of an encoder-decoder, of the target."""
        limits = [max_context(self.plan.decoder_steps), MAX_TEXT_TOKENS]
        if not self.plan.encoder_steps:
            limits.append(getattr(self.pipeline.preset.architecture, "length", UNLIMITED))
            limits += [self.objective_length] if isinstance(self.objective, FollowInstructions) else []
        return min(limits)

    @property
    def objective_length(self) -> int:
        """Most tokens of a text with which the model was trained."""
        return self.pipeline.objective.length

    def warm_up(self) -> None:
        """Generate a short text, so that the network is compiled for the smallest shapes."""
        fields = SamplingFields(max_tokens=2, arguments={"temperature": 0.0})
        (handle,) = self.batch.submit(self.request(self.prompt_row(WARM_UP_TEXT), fields))
        handle.result()

    def prompt_row(self, prompt: str | list[int]) -> dict[str, Any]:
        """The row of ids of a prompt for a completion; ids are used as they are.

        Raises OpenAIError for unknown ids, and for a text beyond `max_characters`.
        """
        if isinstance(prompt, str):
            self._check_characters(prompt, "prompt")
            row = self.objective.prompt_ids(self._record(prompt), self.tokenizer)
            return row if len(row.get("tokens", (0,))) else {"tokens": self._start()}
        if unknown := [id for id in prompt if id >= self.vocabulary]:
            message = f"Expected token ids below {self.vocabulary}. Received: {unknown[0]}."
            raise OpenAIError(message, "prompt", "invalid_value")
        if not self.plan.encoder_steps:
            return {"tokens": np.array(prompt, "int32")}
        return self.objective.prompt_ids(self._record(""), self.tokenizer) | {"source": np.array(prompt, "int32")}

    def chat_row(self, messages: Sequence[dict[str, str]]) -> dict[str, Any]:
        """The row of ids of a conversation.

        Raises OpenAIError for a model without a chat template, and for a message beyond `max_characters`.
        """
        if self.chat is None:
            message = "This model has no chat template: use /v1/completions."
            raise OpenAIError(message, "model", "unsupported_model")
        for i, message in enumerate(messages):
            self._check_characters(message["content"], f"messages[{i}].content")
        return self.chat.prompt_ids({"messages": list(messages)}, self.tokenizer)

    def request(
        self, row: dict[str, Any], fields: SamplingFields, top_logprobs: int = 0, chat: bool = False
    ) -> GenerationRequest:
        """The request of a row of ids.

        Args:
            fields: the sampling parameters.
            top_logprobs: as of `GenerationRequest`.
            chat: whether the text is an answer in a conversation.

        Raises OpenAIError where the row and the new tokens are too long; UserError for parameters that contradict.
        """
        constraint, arguments = self._constraint_of(fields.schema), self._arguments(fields)
        room, limit = self._room(row, fields.max_tokens, chat), fields.max_tokens
        if limit is None and isinstance(self.objective, NextToken):
            limit = room if chat else COMPLETION_TOKENS
        config = config_of(self.objective, arguments | {"max_new_tokens": limit}, constrained=bool(constraint))
        config = replace(
            config, max_new_tokens=min(config.max_new_tokens, room), constraint=constraint, fit_context=False
        )
        stop = fields.stop if constraint or not (chat and self.ending) else (*fields.stop, self.ending)
        if constraint and fields.stop:
            message = "A text of a JSON schema ends by itself: expected no stop beside response_format."
            raise OpenAIError(message, "stop", "invalid_value")
        return generation_request(self.plan, self.tokenizer, row, config, stop=stop, top_logprobs=top_logprobs)

    def _arguments(self, fields):
        """The arguments of a request for a config: OpenAI's default temperature is 1, that of a translation 0."""
        default = 0.0 if isinstance(self.objective, Translate) else 1.0
        defaults = {"temperature": self.objective.generation.get("temperature", default), "seed": fields.seed}
        arguments = defaults | fields.arguments
        if not arguments["temperature"]:
            arguments = {name: value for name, value in arguments.items() if name not in ("top_p", "top_k", "min_p")}
        if unknown := [id for id in arguments.get("logit_bias", ()) if id >= self.vocabulary]:
            message = f"Expected token ids below {self.vocabulary} in logit_bias. Received: {unknown[0]}."
            raise OpenAIError(message, "logit_bias", "invalid_value")
        return arguments

    def _room(self, row, max_tokens, chat):
        """Most new tokens after a row."""
        tokens, limit = len(row.get("target", row.get("tokens", (0,)))), self.max_tokens
        param = "messages" if chat else "prompt"
        if "source" in row:
            source_limit = min(max_context(self.plan.encoder_steps), self.objective_length)
            if len(row["source"]) > source_limit:
                raise _too_long(source_limit, len(row["source"]), param)
        if tokens >= limit:
            raise _too_long(limit, tokens, param)
        if tokens + (max_tokens or 1) > limit:
            raise _too_long(limit, tokens, "max_tokens", f" and {max_tokens} new ones")
        return limit - tokens

    def _check_characters(self, text, param):
        if len(text) > self.max_characters:
            message = f"Expected a text of at most {self.max_characters} characters. Received: {len(text)} characters."
            raise OpenAIError(message, param, "string_above_max_length")

    def _record(self, text):
        """The record of a prompt: its text is the objective's only input."""
        return {self.objective.fields.inputs[0]: text}

    def _start(self):
        """The id from which a text begins that has no prompt."""
        start = self.tokenizer.padding if self.tokenizer.end is None else self.tokenizer.end
        return np.array([start], "int32")


def load_text_model(folder: Path, max_rows: int, max_queue: int, max_characters: int) -> TextModel:
    """The `TextModel` of a model folder or an exported one. Raises UserError for a folder that cannot be loaded."""
    logging.getLogger("tensorflow").addFilter(_is_no_retracing)
    return TextModel(load(folder), max_rows, max_queue, max_characters)


def _is_no_retracing(record):
    """Whether a log record is not TensorFlow's warning of several shapes: a running batch has a few of them."""
    return "triggered tf.function retracing" not in record.getMessage()


def _too_long(limit, tokens, param, new=""):
    message = f"The context of this model is {limit} tokens. Received: a prompt of {tokens} tokens{new}."
    return OpenAIError(message, param, "context_length_exceeded")
