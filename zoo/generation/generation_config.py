"""The generation config: decoding strategy, logits processors and stopping criteria."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from zoo.backend.shapes import power_of_two
from zoo.generation.logits_processors import PROCESSORS
from zoo.runtime.errors import UserError

_RANGES = {  # field: (its range in words, whether a number is in the range)
    "max_new_tokens": ("at least 1", lambda n: n >= 1),
    "temperature": ("at least 0", lambda n: 0 <= n < float("inf")),
    "top_k": ("at least 1", lambda n: n >= 1),
    "top_p": ("above 0 and at most 1", lambda n: 0 < n <= 1),
    "min_p": ("from 0 to 1", lambda n: 0 <= n <= 1),
    "typical_p": ("above 0 and at most 1", lambda n: 0 < n <= 1),
    "contrastive_alpha": ("from 0 to 1", lambda n: 0 <= n <= 1),
    "repetition_penalty": ("above 0", lambda n: 0 < n < float("inf")),
    "frequency_penalty": ("a number", lambda n: abs(n) < float("inf")),
    "presence_penalty": ("a number", lambda n: abs(n) < float("inf")),
    "no_repeat_ngram": ("at least 1", lambda n: n >= 1),
    "min_tokens": ("at least 0", lambda n: n >= 0),
    "beams": ("at least 1", lambda n: n >= 1),
    "return_sequences": ("at least 1", lambda n: n >= 1),
    "length_penalty": ("a number", lambda n: abs(n) < float("inf")),
}
_PENALTIES = ("repetition_penalty", "frequency_penalty", "presence_penalty")
_SAMPLING = ("top_k", "top_p", "min_p", "typical_p")  # without effect in greedy decoding


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """Parameters of text generation; None turns a logits processor off: see `zoo.generation.logits_processors`.

    Raises UserError for a number out of its range and for parameters that contradict each other.
    """

    max_new_tokens: int = 64  # most new tokens of a text
    temperature: float = 0.0  # divides the logits before sampling; 0: greedy decoding
    top_k: int | None = None  # tokens to sample from; of contrastive search, candidates
    top_p: float | None = None  # total probability of the tokens to sample from
    min_p: float | None = None  # least probability, as a fraction of the likeliest token's
    typical_p: float | None = None  # total probability of the typical tokens to sample from
    contrastive_alpha: float | None = None  # contrastive search: weight of the similarity to earlier tokens, 0 to 1
    repetition_penalty: float | None = None  # above 1: tokens of the text so far become less likely
    frequency_penalty: float | None = None  # subtracted from the logit of a token for each time it was generated
    presence_penalty: float | None = None  # subtracted from the logits of tokens that were generated
    logit_bias: Mapping[int, float] = field(default_factory=dict)  # {token id: added to its logit}
    no_repeat_ngram: int | None = None  # size of n-grams, in tokens, that may not repeat
    min_tokens: int = 0  # new tokens before a text may stop
    bad_words: Sequence[Sequence[int]] = ()  # lists of ids that are never generated
    stop_ids: Sequence[int] = ()  # ids that end a text
    seed: int = 0  # of sampling
    beams: int = 1  # of a beam search
    length_penalty: float = 1.0  # of beams: exponent of the length; above 0 prefers longer texts
    return_sequences: int = 1  # best beams of each prompt that are returned
    constraint: Any = None  # a `zoo.generation.constraints.token_table.Constraint` of the text
    truncation_side: Literal["", "left"] = ""  # "left": long texts lose their beginning, and the context slides
    fit_context: bool = False  # fewer new tokens where the context has no room for `max_new_tokens`

    def __post_init__(self) -> None:
        for name, (words, fits) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise UserError(f"{name} must be {words}. Received: {name}={value}.")
        for names, reason in self._contradictions():
            raise UserError(f"{reason} Received: {', '.join(f'{name}={getattr(self, name)}' for name in names)}.")

    def _contradictions(self):
        """Yield (names of parameters, the reason why they contradict each other)."""
        for name in self._sampling:
            if not self.temperature and getattr(self, name) is not None:
                yield (name, "temperature"), f"{name} needs a temperature: 0 is greedy decoding."
        if self.min_tokens > self.max_new_tokens:
            yield ("min_tokens", "max_new_tokens"), "min_tokens must be at most max_new_tokens."
        if self.contrastive_alpha is not None:
            yield from self._contrastive_contradictions()
        if self.temperature and self.beams > 1:
            yield ("beams", "temperature"), "Beam search does not sample: expected beams or a temperature, not both."
        if self.constraint is not None:
            yield from self._constraint_contradictions()
        if self.return_sequences > self.beams:
            yield ("return_sequences", "beams"), "return_sequences must be at most beams: they are the best beams."
        if self.truncation_side not in ("", "left"):
            yield ("truncation_side",), "truncation_side must be 'left' or ''."
        if not all(len(word) for word in self.bad_words):
            yield ("bad_words",), "Each of bad_words must have at least one token."

    def _contrastive_contradictions(self):
        if self.top_k is None:
            yield (
                ("contrastive_alpha", "top_k"),
                "contrastive_alpha needs top_k, the number of candidates; 4 to 8 are usual.",
            )
        if self.temperature:
            yield ("contrastive_alpha", "temperature"), "Contrastive search does not sample: leave the temperature out."
        if self.beams > 1:
            yield ("contrastive_alpha", "beams"), "Expected contrastive search or beam search, not both."

    def _constraint_contradictions(self):
        for name in ("no_repeat_ngram", "bad_words", "min_tokens"):
            if getattr(self, name):
                yield (name,), f"Constrained decoding cannot forbid tokens as well: leave {name} out."
        if self.constraint.min_tokens > self.max_new_tokens:
            shortest = f"The shortest text that fulfils the constraint has {self.constraint.min_tokens} tokens"
            yield ("max_new_tokens",), f"{shortest}: raise max_new_tokens."

    def check_vocabulary(self, size: int) -> None:
        """Raise UserError for a key of `logit_bias` that is no token id of a vocabulary of `size` tokens."""
        for token in self.logit_bias:
            if token not in range(size):
                raise UserError(f"Expected token ids from 0 to {size - 1} in logit_bias. Received: {token!r}.")

    @property
    def _sampling(self):
        """Names of the parameters of sampling. In contrastive search `top_k` is the number of candidates instead."""
        return [name for name in _SAMPLING if name != "top_k" or self.contrastive_alpha is None]

    def arrays(self, generated_tokens: int = 0) -> dict[str, Any]:
        """{name: array or {name: array}} of the `PROCESSORS` in use: see `zoo.generation.logits_processors`.

        Args:
            generated_tokens: number of tokens that were generated before the context window slid.
        """
        values = {name: getattr(self, name) for name in (*self._sampling, *_PENALTIES)}
        values["temperature"] = self.temperature or None
        values["min_tokens"] = max(self.min_tokens - generated_tokens, 0) if self.min_tokens else None
        values["no_repeat_ngram"] = None if self.no_repeat_ngram is None else range(self.no_repeat_ngram)
        values["bad_words"] = _left_padded(self.bad_words) if self.bad_words else None
        dtypes = {name: dtype for name, _, dtype in PROCESSORS}
        arrays: dict[str, Any] = {
            name: np.asarray(value, dtypes[name]) for name, value in values.items() if value is not None
        }
        if self.logit_bias:
            arrays["logit_bias"] = _sparse(self.logit_bias)
        if self.constraint is not None:
            arrays["constraint"] = self.constraint.arrays | {"limit": np.int32(self.max_new_tokens - generated_tokens)}
        return arrays


def _sparse(bias):
    """{"ids", "values"} of {id: bias}, padded to a power of two, so that few shapes are compiled."""
    size = power_of_two(len(bias))
    ids, values = np.zeros(size, "int32"), np.zeros(size, "float32")
    ids[: len(bias)], values[: len(bias)] = list(bias), list(bias.values())
    return {"ids": ids, "values": values}


def _left_padded(words):
    length = max(map(len, words))
    return [[-1] * (length - len(word)) + list(word) for word in words]
