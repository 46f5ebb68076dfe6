"""Biases of logits, as OpenAI's API has them: for some tokens, and for tokens that were generated before."""

from typing import Any

from keras import ops

from zoo.generation.history import History, column


def frequency_penalty(logits: Any, history: History, penalty: Any) -> Any:
    """Subtracts `penalty` for each time that a token occurs among the new tokens, as OpenAI's parameter does."""
    return logits - column(penalty) * _new_token_counts(logits, history)


def presence_penalty(logits: Any, history: History, penalty: Any) -> Any:
    """Subtracts `penalty` once for each token that occurs among the new tokens, as OpenAI's parameter does."""
    return logits - column(penalty) * ops.cast(_new_token_counts(logits, history) > 0, logits.dtype)


def logit_bias(logits: Any, history: History, bias: dict[str, Any]) -> Any:
    """Adds a bias to the logits of some tokens; `bias` has "ids" and "values", (n,) arrays each."""
    table = ops.segment_sum(bias["values"], bias["ids"], num_segments=logits.shape[1])
    return logits + table[None]


def _new_token_counts(logits, history):
    """(batch, vocabulary): how often each token occurs among the new tokens of each row."""
    batch, length = ops.shape(history.tokens)  # a TensorFlow graph knows them only when it runs
    vocabulary = logits.shape[1]
    index = ops.arange(length, dtype="int32")[None]
    new = ops.logical_and(index < history.count[:, None], index >= history.count[:, None] - column(history.new))
    ids = history.tokens + vocabulary * ops.arange(batch, dtype="int32")[:, None]
    ones, size = ops.cast(ops.reshape(new, (-1,)), logits.dtype), batch * vocabulary
    return ops.reshape(ops.segment_sum(ones, ops.reshape(ids, (-1,)), num_segments=size), (batch, vocabulary))
