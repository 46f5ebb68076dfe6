"""Logits processors: functions that forbid or prefer tokens by changing (batch, vocabulary) logits, and sampling.

A logits processor takes (batch, vocabulary) logits, the `History` and its parameter, and returns logits. It is
arithmetic on arrays, so it compiles on every backend. Parameters are arrays too: another temperature compiles nothing.
Those of sampling, the penalties and `min_tokens` are numbers, or (batch,) arrays with a number for each row. A
forbidden token has the logit -inf.
"""

from typing import Any

from keras import ops

from zoo import backend
from zoo.generation.history import History, column
from zoo.generation.token_bias import frequency_penalty, logit_bias, presence_penalty

MIN_TEMPERATURE = 1e-4  # less makes logits so large that softmax is NaN: with XLA from 1e8 on, else from 1e38 on


def constrain(logits: Any, history: History, constraint: dict[str, Any]) -> Any:
    """Constrained decoding: keeps the tokens from which an accepting state can be reached before the limit.

    `constraint` is `arrays` of a `zoo.generation.constraints.token_table.Constraint`, and "limit", the most new tokens.
    """
    row = ops.take(constraint["transitions"], history.constraint_state, axis=0)
    state = ops.take(row, constraint["classes"], axis=1)
    tokens_to_end = ops.take(constraint["tokens_to_end"], ops.maximum(state, 0))
    return _keep(logits, ops.logical_and(state >= 0, tokens_to_end < column(constraint["limit"] - history.new)))


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
    seen = ops.arange(ops.shape(history.tokens)[1], dtype="int32")[None] < history.count[:, None]
    penalty = column(penalty)
    penalised = ops.where(logits < 0, logits * penalty, logits / penalty)
    return ops.where(backend.token_mask(history.tokens, seen, logits.shape[1]), penalised, logits)


def no_repeat_ngram(logits: Any, history: History, offsets: Any) -> Any:
    """Forbids every token that would repeat an n-gram of the text; `offsets` is 0 ... n - 1, of which only n is used.

    Paulus et al. 2017, section 2.5, https://arxiv.org/abs/1705.04304.
    """
    size, length = offsets.shape[0], ops.shape(history.tokens)[1]
    last = history.last(size - 1) if size > 1 else history.tokens[:, :0]
    starts = length - size + 1
    matches = ops.arange(starts, dtype="int32")[None] + size <= history.count[:, None]
    for i in range(size - 1):
        matches = ops.logical_and(matches, ops.equal(history.tokens[:, i : i + starts], last[:, i : i + 1]))
    return _forbid(logits, history.tokens[:, size - 1 :], matches)


def bad_words(logits: Any, history: History, words: Any) -> Any:
    """Forbids the last id of each bad word after its other ids; `words` is (words, length) ids, left-padded with -1."""
    last = history.last(words.shape[1] - 1) if words.shape[1] > 1 else history.tokens[:, :0]
    prefixes = words[None, :, :-1]
    matches = ops.logical_or(ops.equal(prefixes, last[:, None]), prefixes < 0)
    return _forbid(logits, _tile_rows(words[:, -1], logits), ops.all(matches, axis=-1))


def min_tokens(logits: Any, history: History, number: Any) -> Any:
    """Forbids the stop ids before there are `number` new tokens."""
    stop_ids = _tile_rows(history.stop_ids, logits)
    forbidden = ops.logical_and(stop_ids >= 0, column(history.new) < column(number))
    return _forbid(logits, ops.maximum(stop_ids, 0), forbidden)


def temperature(logits: Any, history: History, temperature: Any) -> Any:
    """Divides logits by the temperature, of at least `MIN_TEMPERATURE`: below 1 likely tokens become likelier."""
    return logits / ops.maximum(column(temperature), MIN_TEMPERATURE)


def top_k(logits: Any, history: History, k: Any) -> Any:
    """Top-k sampling: keeps the `k` likeliest tokens; 0 keeps all.

    Fan et al. 2018, section 5.4, https://arxiv.org/abs/1805.04833.
    """
    vocabulary = logits.shape[1]
    k = column(ops.where(k < 1, vocabulary, ops.minimum(k, vocabulary)))
    last = ops.broadcast_to(k - 1, (ops.shape(logits)[0], 1))
    return _keep(logits, logits >= ops.take_along_axis(_descending(logits), last, axis=1))


def top_p(logits: Any, history: History, p: Any) -> Any:
    """Nucleus sampling: keeps the fewest tokens whose probabilities add up to `p`; 1 keeps all.

    Holtzman et al. 2020, section 3.1, https://arxiv.org/abs/1904.09751.
    """
    ordered = _descending(logits)
    probability = ops.softmax(ordered)
    p = column(p)
    needed = ops.cumsum(probability, axis=1) - probability < p  # likelier tokens do not add up to p
    needed = ops.logical_or(needed, p >= 1)  # also where the sum is rounded
    threshold = ops.min(ops.where(needed, ordered, float("inf")), axis=1, keepdims=True)
    return _keep(logits, logits >= threshold)


def min_p(logits: Any, history: History, p: Any) -> Any:
    """Min-p sampling: keeps tokens at least `p` times as likely as the likeliest.

    Nguyen et al. 2024, https://arxiv.org/abs/2407.01082.
    """
    probability = ops.softmax(logits)
    return _keep(logits, probability >= column(p) * ops.max(probability, axis=1, keepdims=True))


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
    needed = ops.cumsum(ordered, axis=1) - ordered < column(p)
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


def _descending(logits):
    return ops.flip(ops.sort(logits, axis=1), axis=1)


def _keep(logits, mask):
    return ops.where(mask, logits, float("-inf"))


def _forbid(logits, ids, mask):
    return ops.where(backend.token_mask(ids, mask, logits.shape[1]), float("-inf"), logits)


def _tile_rows(array, logits):
    """(batch, n): a 1-D array, repeated for every row of the batch."""
    return ops.broadcast_to(array[None], (ops.shape(logits)[0], array.shape[0]))
