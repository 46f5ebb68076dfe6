"""The objectives of a served model: of completions without truncated prompts, and of chats by a chat template."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoo.data.chat_template import with_special_tokens
from zoo.generation.context import UNLIMITED
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.text.tokenizer import Tokenizer

NOT_IN_A_RUNNING_BATCH = ("beams", "length_penalty", "return_sequences", "contrastive_alpha")  # defaults of a model


def served_objective(objective: Any) -> Any:
    """The objective, which truncates no prompt, without defaults of strategies that a running batch has not."""
    names = NOT_IN_A_RUNNING_BATCH
    if "contrastive_alpha" in objective.generation:
        names = (*names, "top_k")
    generation = {name: value for name, value in objective.generation.items() if name not in names}
    length = {} if isinstance(objective, NextToken) else {"length": UNLIMITED}
    return replace(objective, generation=generation, **length)


def chat_objective(objective: Any, tokenizer: Tokenizer) -> FollowInstructions | None:
    """The objective that makes prompts of conversations; None where there is no chat template."""
    if isinstance(objective, FollowInstructions):
        return objective
    settings = tokenizer.settings
    if not isinstance(objective, NextToken) or settings is None or not settings.chat_template:
        return None
    template = with_special_tokens(settings.chat_template, settings.roles)
    return FollowInstructions(length=UNLIMITED, template=template, generation=objective.generation)
