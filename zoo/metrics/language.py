"""How well running text was predicted: perplexity by token, by word and by character."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TextNLL:
    """What a text cost to predict."""

    nats: float  # negative log-likelihood of its tokens
    tokens: int
    words: int  # between white space, and one for each line break
    characters: int  # Unicode code points, line breaks included


def language_scores(surprises):
    """Loss in nats by token, and perplexities: e to the power of the nats by token, by word and by character.

    Tokenizers compare by the latter two. A text of nothing has a perplexity of 1.
    """
    nats = sum(one.nats for one in surprises)
    by = {
        name: nats / max(sum(getattr(one, name) for one in surprises), 1) for name in ("tokens", "words", "characters")
    }
    return {
        "loss": by["tokens"],
        "perplexity": _exponential(by["tokens"]),
        "perplexity_word": _exponential(by["words"]),
        "perplexity_character": _exponential(by["characters"]),
    }


def _exponential(nats):
    return float(np.exp(min(nats, 700.0)))  # what float64 holds
