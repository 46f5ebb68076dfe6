"""How to write: how much, how a token is chosen, when to stop."""

from dataclasses import dataclass

import numpy as np

from zoo.runtime.errors import UserError

_RANGES = {  # field: what it must be, in words, and whether a number is that
    "max_new_tokens": ("at least 1", lambda n: n >= 1),
    "temperature": ("at least 0", lambda n: 0 <= n < float("inf")),
    "top_k": ("at least 1", lambda n: n >= 1),
    "top_p": ("above 0 and at most 1", lambda n: 0 < n <= 1),
    "min_p": ("from 0 to 1", lambda n: 0 <= n <= 1),
    "typical_p": ("above 0 and at most 1", lambda n: 0 < n <= 1),
    "contrastive_alpha": ("from 0 to 1", lambda n: 0 <= n <= 1),
    "repetition_penalty": ("above 0", lambda n: 0 < n < float("inf")),
    "no_repeat_ngram": ("at least 1", lambda n: n >= 1),
    "min_tokens": ("at least 0", lambda n: n >= 0),
    "beams": ("at least 1", lambda n: n >= 1),
    "best": ("at least 1", lambda n: n >= 1),
    "length_penalty": ("a number", lambda n: abs(n) < float("inf")),
}
_DRAWN = ("top_k", "top_p", "min_p", "typical_p")  # without meaning where the likeliest token is taken


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """Rules of writing; None: the rule does not hold. What each rule does is told in `zoo.generation.logits_processors`.

    Raises UserError for a number out of its range and for settings that contradict each other.
    """

    max_new_tokens: int = 64  # most tokens that are written
    temperature: float = 0.0  # 0: always the likeliest token; else tokens are drawn
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    contrastive_alpha: float | None = None  # weight against likeness to the text before, of `top_k` candidates
    repetition_penalty: float | None = None
    no_repeat_ngram: int | None = None  # tokens in a row that never come twice
    min_tokens: int = 0  # before the text may stop
    bad_words: tuple = ()  # lists of ids that are never written
    stop_ids: tuple = ()  # ids that end a text
    seed: int = 0  # of what is drawn
    beams: int = 1  # candidates of a beam search
    length_penalty: float = 1.0  # of beams: above 0 prefers longer texts
    best: int = 1  # texts of each prompt that are returned, of as many beams
    constraint: object = None  # the `zoo.generation.constraints.token_table.Constraint` of what may be written
    truncation_side: str = ""  # "left": prompts that are too long lose their beginning

    def __post_init__(self):
        for name, (words, fits) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise UserError(f"{name} must be {words}. Received: {name}={value}.")
        for given, why in self._contradictions():
            raise UserError(f"{why} Received: {', '.join(f'{name}={getattr(self, name)}' for name in given)}.")

    def _contradictions(self):
        """Yield (names of settings, the reason why they do not go together)."""
        for name in self._drawn:
            if not self.temperature and getattr(self, name) is not None:
                yield (name, "temperature"), f"{name} needs a temperature: at 0 always the likeliest token is taken."
        if self.min_tokens > self.max_new_tokens:
            yield ("min_tokens", "max_new_tokens"), "min_tokens must be at most new_tokens."
        if self.contrastive_alpha is not None and self.top_k is None:
            yield ("contrastive_alpha", "top_k"), "contrast needs top_k, the number of candidates; 4 to 8 are usual."
        if self.contrastive_alpha is not None and self.temperature:
            yield ("contrastive_alpha", "temperature"), "Contrastive search draws nothing: leave the temperature out."
        if self.contrastive_alpha is not None and self.beams > 1:
            yield ("contrastive_alpha", "beams"), "Contrastive search goes on with one text, beam search with several: give one."
        if self.temperature and self.beams > 1:
            yield ("beams", "temperature"), "Beam search draws nothing: give beams or a temperature, not both."
        for name in ("no_repeat_ngram", "bad_words", "min_tokens"):
            if self.constraint is not None and getattr(self, name):
                yield (name,), f"What must be one of some texts cannot also be kept from them: leave {name} out."
        if self.constraint is not None and self.constraint.least > self.max_new_tokens:
            why = f"The shortest text that is as it must be has {self.constraint.least} tokens: raise new_tokens."
            yield ("max_new_tokens",), why
        if self.best > self.beams:
            yield ("best", "beams"), "The best texts are those of a beam search: best must be at most beams."
        if self.truncation_side not in ("", "left"):
            yield ("truncation_side",), "truncate must be 'left' or nothing."
        if not all(len(word) for word in self.bad_words):
            yield ("bad_words",), "A banned word must have a token at least."

    @property
    def _drawn(self):
        """Names of the rules of drawing; beside `contrastive_alpha`, `top_k` is none of them."""
        return [name for name in _DRAWN if name != "top_k" or self.contrastive_alpha is None]

    def numbers(self):
        """{name of a rule that holds: array, or some by name}: see `zoo.generation.logits_processors.obey`."""
        found = {name: getattr(self, name) for name in self._drawn}
        found["repetition_penalty"] = self.repetition_penalty
        found["temperature"] = self.temperature or None
        found["min_tokens"] = self.min_tokens or None
        found["no_repeat_ngram"] = None if self.no_repeat_ngram is None else range(self.no_repeat_ngram)
        found["bad_words"] = _filled_up(self.bad_words) if self.bad_words else None
        whole = ("top_k", "min_tokens", "no_repeat_ngram", "bad_words")
        rules = {
            name: np.asarray(value, "int32" if name in whole else "float32")
            for name, value in found.items()
            if value is not None
        }
        if self.constraint is not None:
            rules["constrained"] = self.constraint.arrays | {"limit": np.int32(self.max_new_tokens)}
        return rules


def _filled_up(words):
    longest = max(map(len, words))
    return [[-1] * (longest - len(word)) + list(word) for word in words]
