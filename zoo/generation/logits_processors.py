"""Logits processors: functions that forbid or prefer tokens by changing (batch, vocabulary) logits, and sampling.

A logits processor takes (batch, vocabulary) logits, the `History` and its parameter, and returns logits. It is
arithmetic on arrays, so it compiles on every backend. Parameters are arrays too: another temperature compiles nothing.
A number is the same for all rows, or (batch,) numbers, one a row. A forbidden token has the logit -inf.
"""

from dataclasses import dataclass
from typing import Any

from keras import ops

from zoo import backend


@dataclass(frozen=True)
class History:
    """The token history: ids of each row so far, prompt included.

    Attributes:
        tokens: (batch, length) ids, which begin with the prompt.
        count: (batch,) number of ids in each row of `tokens`.
        new: number of new tokens, or (batch,) numbers.
        stop_ids: (stops,) ids that end a text; -1 for none.
        constraint_state: (batch,) states in the table of a `zoo.generation.constraints.token_table.Constraint`.
    """

    tokens: Any
    count: Any
    new: Any
    stop_ids: Any
    constraint_state: Any = None

    def last(self, number: int) -> Any:
        """(batch, number): the last ids; -1 before the beginning of a text."""
        indices = self.count[:, None] - number + ops.arange(number, dtype="int32")
        tokens = ops.take_along_axis(self.tokens, ops.maximum(indices, 0), axis=1)
        return ops.where(indices < 0, -1, tokens)


def constrain(logits: Any, history: History, constraint: dict[str, Any]) -> Any:
    """Constrained decoding: keeps the tokens from which an accepting state can be reached before the limit.

    `constraint` is `arrays` of a `zoo.generation.constraints.token_table.Constraint`, and "limit", the most new tokens.
    """
    row = ops.take(constraint["transitions"], history.constraint_state, axis=0)
    state = ops.take(row, constraint["classes"], axis=1)
    tokens_to_end = ops.take(constraint["tokens_to_end"], ops.maximum(state, 0))
    return _keep(logits, ops.logical_and(state >= 0, tokens_to_end < _column(constraint["limit"] - history.new)))


def next_state(state: Any, token: Any, processors: dict[str, Any]) -> Any:
    """(batch,) constraint states after (batch,) tokens; without a constraint the same states."""
    if "constraint" not in processors:
        return state
    constraint = processors["constraint"]
    table, token_class = constraint["transitions"], ops.take(constraint["classes"], token)
    return ops.maximum(ops.take(ops.reshape(table, (-1,)), state * table.shape[1] + token_class), 0)


def repetition_penalty(logits: Any, history: History, penalty: Any) -> Any:
    """Divides the positive logits of tokens of the text by `penalty`, and multiplies the negative ones.

    Keskar et al. 2019, section 4.1, https://arxiv.org/abs/1909.05858; negative logits as in transformers.
    """
    seen = ops.arange(history.tokens.shape[1], dtype="int32")[None] < history.count[:, None]
    penalty = _column(penalty)
    penalised = ops.where(logits < 0, logits * penalty, logits / penalty)
    return ops.where(backend.token_mask(history.tokens, seen, logits.shape[1]), penalised, logits)


def no_repeat_ngram(logits: Any, history: History, offsets: Any) -> Any:
    """Forbids every token that would repeat an n-gram of the text; `offsets` is 0 ... n - 1, of which only n is used.

    Paulus et al. 2017, section 2.5, https://arxiv.org/abs/1705.04304.
    """
    size, length = offsets.shape[0], history.tokens.shape[1]
    last = history.last(size - 1) if size > 1 else history.tokens[:, :0]
    starts = length - size + 1
    matches = ops.arange(starts, dtype="int32")[None] + size <= history.count[:, None]
    for i in range(size - 1):
        matches = ops.logical_and(matches, ops.equal(history.tokens[:, i : i + starts], last[:, i : i + 1]))
    return _forbid(logits, history.tokens[:, size - 1 :], matches)


def frequency_penalty(logits: Any, history: History, penalty: Any) -> Any:
    """Subtracts `penalty` for each time that a token occurs among the new tokens, as OpenAI's parameter does."""
    return logits - _column(penalty) * _new_token_counts(logits, history)


def presence_penalty(logits: Any, history: History, penalty: Any) -> Any:
    """Subtracts `penalty` once for each token that occurs among the new tokens, as OpenAI's parameter does."""
    return logits - _column(penalty) * ops.cast(_new_token_counts(logits, history) > 0, logits.dtype)


def logit_bias(logits: Any, history: History, bias: dict[str, Any]) -> Any:
    """Adds a bias to the logits of some tokens; `bias` has "ids" and "values", (n,) arrays each."""
    table = ops.segment_sum(bias["values"], bias["ids"], num_segments=logits.shape[1])
    return logits + table[None]


def _new_token_counts(logits, history):
    """(batch, vocabulary): how often each token occurs among the new tokens of each row."""
    (batch, length), vocabulary = history.tokens.shape, logits.shape[1]
    index = ops.arange(length, dtype="int32")[None]
    new = ops.logical_and(index < history.count[:, None], index >= history.count[:, None] - _column(history.new))
    ids = history.tokens + vocabulary * ops.arange(batch, dtype="int32")[:, None]
    ones, size = ops.cast(ops.reshape(new, (-1,)), logits.dtype), batch * vocabulary
    return ops.reshape(ops.segment_sum(ones, ops.reshape(ids, (-1,)), num_segments=size), (batch, vocabulary))


def bad_words(logits: Any, history: History, words: Any) -> Any:
    """Forbids the last id of each bad word after its other ids; `words` is (words, length) ids, left-padded with -1."""
    last = history.last(words.shape[1] - 1) if words.shape[1] > 1 else history.tokens[:, :0]
    prefixes = words[None, :, :-1]
    matches = ops.logical_or(ops.equal(prefixes, last[:, None]), prefixes < 0)
    return _forbid(logits, _tile_rows(words[:, -1], logits), ops.all(matches, axis=-1))


def min_tokens(logits: Any, history: History, number: Any) -> Any:
    """Forbids the stop ids before there are `number` new tokens."""
    forbidden = ops.logical_and(history.stop_ids[None] >= 0, _column(history.new < number))
    stop_ids = _tile_rows(ops.maximum(history.stop_ids, 0), logits)
    return _forbid(logits, stop_ids, ops.broadcast_to(forbidden, stop_ids.shape))


def temperature(logits: Any, history: History, temperature: Any) -> Any:
    """Divides logits by the temperature: below 1 likely tokens become likelier."""
    return logits / _column(temperature)


def top_k(logits: Any, history: History, k: Any) -> Any:
    """Top-k sampling: keeps the `k` likeliest tokens. Fan et al. 2018, section 5.4, https://arxiv.org/abs/1805.04833."""
    last = _column(ops.minimum(k, logits.shape[1]) - 1)
    threshold = ops.take_along_axis(_descending(logits), ops.broadcast_to(last, (ops.shape(logits)[0], 1)), axis=1)
    return _keep(logits, logits >= threshold)


def top_p(logits: Any, history: History, p: Any) -> Any:
    """Nucleus sampling: keeps the fewest tokens whose probabilities add up to `p`.

    Holtzman et al. 2020, section 3.1, https://arxiv.org/abs/1904.09751.
    """
    ordered = _descending(logits)
    probability = ops.softmax(ordered)
    needed = ops.cumsum(probability, axis=1) - probability < _column(p)  # likelier tokens do not add up to p
    threshold = ops.min(ops.where(needed, ordered, float("inf")), axis=1, keepdims=True)
    return _keep(logits, logits >= threshold)


def min_p(logits: Any, history: History, p: Any) -> Any:
    """Min-p sampling: keeps tokens at least `p` times as likely as the likeliest.

    Nguyen et al. 2024, https://arxiv.org/abs/2407.01082.
    """
    probability = ops.softmax(logits)
    return _keep(logits, probability >= _column(p) * ops.max(probability, axis=1, keepdims=True))


def typical_p(logits: Any, history: History, p: Any) -> Any:
    """Locally typical sampling: keeps the fewest tokens that add up to `p`, ordered by |information - entropy|.

    Meister et al. 2023, section 4, https://arxiv.org/abs/2202.00666.
    """
    log_p = ops.log_softmax(logits)
    probability = ops.exp(log_p)
    entropy = -ops.sum(ops.where(probability > 0, probability * log_p, 0.0), axis=1, keepdims=True)
    distance = ops.where(probability > 0, ops.abs(-log_p - entropy), float("inf"))
    order = ops.argsort(distance, axis=1)
    ordered = ops.take_along_axis(probability, order, axis=1)
    needed = ops.cumsum(ordered, axis=1) - ordered < _column(p)
    threshold = ops.max(ops.where(needed, ops.take_along_axis(distance, order, axis=1), -1.0), axis=1, keepdims=True)
    return _keep(logits, distance <= threshold)


PROCESSORS = (  # (name, function, dtype of its parameter), in the order in which they are applied
    ("constraint", constrain, "int32"),
    ("repetition_penalty", repetition_penalty, "float32"),
    ("frequency_penalty", frequency_penalty, "float32"),
    ("presence_penalty", presence_penalty, "float32"),
    ("logit_bias", logit_bias, "float32"),
    ("no_repeat_ngram", no_repeat_ngram, "int32"),
    ("bad_words", bad_words, "int32"),
    ("min_tokens", min_tokens, "int32"),
    ("temperature", temperature, "float32"),
    ("top_k", top_k, "int32"),
    ("top_p", top_p, "float32"),
    ("min_p", min_p, "float32"),
    ("typical_p", typical_p, "float32"),
)


def process_logits(logits: Any, history: History, processors: dict[str, Any]) -> Any:
    """(batch, vocabulary) logits after the logits processors in `processors`, {name: parameter}: see `PROCESSORS`."""
    for name, process, _ in PROCESSORS:
        if name in processors:
            logits = process(logits, history, processors[name])
    return logits


def sample(logits: Any, noise: Any) -> Any:
    """(batch,) int32 tokens sampled from softmax(logits); `noise` is (batch,) uniform numbers in [0, 1)."""
    cumulative = ops.cumsum(ops.softmax(logits), axis=1)
    token = ops.sum(ops.cast(cumulative <= noise[:, None] * cumulative[:, -1:], "int32"), axis=1)
    return ops.minimum(token, logits.shape[1] - 1)


def _column(number):
    """A parameter as it is broadcast over the vocabulary: a number, or (batch, 1) of (batch,) numbers."""
    return number if len(ops.shape(number)) == 0 else number[:, None]


def _descending(logits):
    return ops.flip(ops.sort(logits, axis=1), axis=1)


def _keep(logits, mask):
    return ops.where(mask, logits, float("-inf"))


def _forbid(logits, ids, mask):
    return ops.where(backend.token_mask(ids, mask, logits.shape[1]), float("-inf"), logits)


def _tile_rows(array, logits):
    """(batch, n): a 1-D array, repeated for every row of the batch."""
    return ops.broadcast_to(array[None], (ops.shape(logits)[0], array.shape[0]))
