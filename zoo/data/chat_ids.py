"""Token ids of conversations: begin and end tokens around what a chat template writes, control tokens in messages."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.text.tokenizer import Tokenizer


def guarded(messages: Sequence[dict[str, Any]], tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """Messages whose content holds no control token: those that a user wrote are read as text."""
    return [message | {"content": tokenizer.guard(message["content"])} for message in messages]


def start_ids(ids: Sequence[int] | np.ndarray, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The ids before a conversation: the begin token, else the end token; none where the template writes the former.

    Args:
        ids: of the conversation.
    """
    prefix = tokenizer.prefix
    if not prefix:
        return () if tokenizer.end is None else (tokenizer.end,)
    return () if tuple(ids[: len(prefix)]) == prefix else prefix


def closed(ids: Sequence[int] | np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """The ids of an answer, (n,) int32, with the end token unless the template writes a token that ends texts."""
    ids = np.asarray(ids, "int32")
    if tokenizer.end is None or np.isin(ids, tokenizer.stop_ids).any():
        return ids
    return np.append(ids, tokenizer.end).astype("int32")
