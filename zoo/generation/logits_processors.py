"""The choice of the next token: functions that take (batch, vocabulary) logits and forbid or prefer some of them.

All of it is arithmetic on arrays, so that it compiles on every backend, and numbers such as the temperature are arrays
too: another temperature compiles nothing. What is forbidden has the logit -inf.
"""

from dataclasses import dataclass

from keras import ops

from zoo import backend


@dataclass(frozen=True)
class Text:
    """What was written so far."""

    tokens: object  # (batch, length) ids, beginning with the prompt
    count: object  # (batch,): how many of them hold
    new: object  # how many tokens of it are new
    stop_ids: object  # (some,) ids that end a text
    node: object = None  # (batch,): where it is in the table of a `zoo.generation.constraints.token_table.Constraint`

    def recent(self, number):
        """(batch, number): the last tokens; -1 before the beginning of a text."""
        places = self.count[:, None] - number + ops.arange(number, dtype="int32")
        tokens = ops.take_along_axis(self.tokens, ops.maximum(places, 0), axis=1)
        return ops.where(places < 0, -1, tokens)


def constrained(logits, text, rule):
    """Keeps the tokens after which a text can still become whole in the room there is.

    `rule` is `arrays` of a `zoo.generation.constraints.token_table.Constraint`, and "limit", the most new tokens.
    """
    reached = ops.take(ops.take(rule["table"], text.node, axis=0), rule["classes"], axis=1)
    left = ops.take(rule["left"], ops.maximum(reached, 0))
    return _keep(logits, ops.logical_and(reached >= 0, left < rule["limit"] - text.new))


def follow(node, token, numbers):
    """The nodes that (batch,) tokens lead to where `numbers` have a constraint."""
    if "constrained" not in numbers:
        return node
    rule = numbers["constrained"]
    table, kind = rule["table"], ops.take(rule["classes"], token)
    return ops.maximum(ops.take(ops.reshape(table, (-1,)), node * table.shape[1] + kind), 0)


def repetition_penalty(logits, text, penalty):
    """Divides the positive logits of tokens of the text by `penalty`, and multiplies the negative ones.

    Keskar et al. 2019, section 4.1, https://arxiv.org/abs/1909.05858; negative logits as in transformers.
    """
    known = ops.arange(text.tokens.shape[1], dtype="int32")[None] < text.count[:, None]
    penalised = ops.where(logits < 0, logits * penalty, logits / penalty)
    return ops.where(backend.marked(text.tokens, known, logits.shape[1]), penalised, logits)


def no_repeat_ngram(logits, text, places):
    """Forbids every token that would write the same n tokens in a row again; `places` is 0 ... n - 1.

    Paulus et al. 2017, section 2.5, https://arxiv.org/abs/1705.04304.
    """
    size, length = places.shape[0], text.tokens.shape[1]
    recent = text.recent(size - 1) if size > 1 else text.tokens[:, :0]
    starts = length - size + 1
    same = ops.arange(starts, dtype="int32")[None] + size <= text.count[:, None]
    for i in range(size - 1):
        same = ops.logical_and(same, ops.equal(text.tokens[:, i : i + starts], recent[:, i : i + 1]))
    return _forbid(logits, text.tokens[:, size - 1 :], same)


def bad_words(logits, text, words):
    """Forbids (number, length) words of ids, filled up with -1 from the left: their last token after the others."""
    recent = text.recent(words.shape[1] - 1) if words.shape[1] > 1 else text.tokens[:, :0]
    beginnings = words[None, :, :-1]
    same = ops.logical_or(ops.equal(beginnings, recent[:, None]), beginnings < 0)
    (last,) = _each_row((words[:, -1],), logits)
    return _forbid(logits, last, ops.all(same, axis=-1))


def min_tokens(logits, text, least):
    """Forbids to stop before there are `least` new tokens."""
    early = ops.logical_and(text.stop_ids >= 0, text.new < least)
    return _forbid(logits, *_each_row((ops.maximum(text.stop_ids, 0), early), logits))


def temperature(logits, text, degree):
    """Divides logits: below 1 the likely becomes likelier."""
    return logits / degree


def top_k(logits, text, number):
    """Keeps the `number` likeliest tokens (Fan et al. 2018, section 5.4, https://arxiv.org/abs/1805.04833)."""
    ordered = _descending(logits)
    least = ops.take(ordered, ops.minimum(number, logits.shape[1]) - 1, axis=1)
    return _keep(logits, logits >= least[:, None])


def top_p(logits, text, mass):
    """Keeps the fewest tokens that hold `mass` of the probability (Holtzman et al. 2020, section 3.1,
    https://arxiv.org/abs/1904.09751)."""
    ordered = _descending(logits)
    probability = ops.softmax(ordered)
    needed = ops.cumsum(probability, axis=1) - probability < mass  # those before it do not hold enough
    least = ops.min(ops.where(needed, ordered, float("inf")), axis=1, keepdims=True)
    return _keep(logits, logits >= least)


def min_p(logits, text, share):
    """Keeps tokens at least `share` times as likely as the likeliest (Nguyen et al. 2024,
    https://arxiv.org/abs/2407.01082)."""
    probability = ops.softmax(logits)
    return _keep(logits, probability >= share * ops.max(probability, axis=1, keepdims=True))


def typical_p(logits, text, mass):
    """Keeps the fewest tokens that hold `mass`, beginning with those whose surprise is nearest to the entropy.

    Meister et al. 2023, section 4, https://arxiv.org/abs/2202.00666.
    """
    log_p = ops.log_softmax(logits)
    probability = ops.exp(log_p)
    entropy = -ops.sum(ops.where(probability > 0, probability * log_p, 0.0), axis=1, keepdims=True)
    distance = ops.where(probability > 0, ops.abs(-log_p - entropy), float("inf"))
    order = ops.argsort(distance, axis=1)
    held = ops.take_along_axis(probability, order, axis=1)
    needed = ops.cumsum(held, axis=1) - held < mass
    farthest = ops.max(ops.where(needed, ops.take_along_axis(distance, order, axis=1), -1.0), axis=1, keepdims=True)
    return _keep(logits, distance <= farthest)


RULES = (  # in their order
    *(constrained, repetition_penalty, no_repeat_ngram, bad_words, min_tokens),
    *(temperature, top_k, top_p, min_p, typical_p),
)


def obey(logits, text, numbers):
    """Logits after every rule that `numbers` names, {name: array}, in the order of `RULES`."""
    for rule in RULES:
        if rule.__name__ in numbers:
            logits = rule(logits, text, numbers[rule.__name__])
    return logits


def draw(logits, uniform):
    """A token each, (batch,) int32, drawn from softmax(logits); `uniform` (batch,) is from 0 to below 1."""
    total = ops.cumsum(ops.softmax(logits), axis=1)
    beyond = ops.sum(ops.cast(total <= uniform[:, None] * total[:, -1:], "int32"), axis=1)
    return ops.minimum(beyond, logits.shape[1] - 1)


def _descending(logits):
    return ops.flip(ops.sort(logits, axis=1), axis=1)


def _keep(logits, kept):
    return ops.where(kept, logits, float("-inf"))


def _forbid(logits, ids, where):
    return ops.where(backend.marked(ids, where, logits.shape[1]), float("-inf"), logits)


def _each_row(arrays, logits):
    """1-D arrays, the same for every row of the batch."""
    return [ops.broadcast_to(array[None], (ops.shape(logits)[0], array.shape[0])) for array in arrays]
