"""Perplexity of running text: by token, by word and by character."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_NATS = 700.0  # the exponential of more nats overflows float64


@dataclass(frozen=True)
class TextNLL:
    """The negative log-likelihood of a text."""

    nats: float  # sum over its tokens
    tokens: int
    words: int  # separated by white space, plus one for each line break
    characters: int  # Unicode code points, line breaks included


def language_scores(texts: Sequence[TextNLL]) -> dict[str, float]:
    """Loss in nats by token, and perplexities: e to the power of the nats by token, by word and by character.

    Models with different tokenizers compare by word or by character. An empty text has a perplexity of 1.
    """
    nats = sum(text.nats for text in texts)
    units = ("tokens", "words", "characters")
    loss = {unit: nats / max(sum(getattr(text, unit) for text in texts), 1) for unit in units}
    return {
        "loss": loss["tokens"],
        "perplexity": perplexity(loss["tokens"]),
        "perplexity_word": perplexity(loss["words"]),
        "perplexity_character": perplexity(loss["characters"]),
    }


def perplexity(nats: float) -> float:
    """e to the power of a mean cross-entropy in nats; `MAX_NATS` limits the exponent."""
    return float(np.exp(min(nats, MAX_NATS)))
