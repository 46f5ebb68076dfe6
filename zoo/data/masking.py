"""Masked-token training: which tokens are hidden, and what stands in their place (Devlin 2018, arXiv:1810.04805)."""

from dataclasses import dataclass

import numpy as np

MASKED, RANDOM = 0.8, 0.1  # of the chosen tokens; the rest stay as they are (section 3.1)


@dataclass(frozen=True, kw_only=True)
class Masking:
    """How tokens are hidden."""

    rate: float = 0.15  # of all tokens
    whole_words: bool = False  # all pieces of a word are chosen together

    def __post_init__(self):
        if not 0 < self.rate < 1:
            raise ValueError(f"Expected rate above 0 and below 1. Received: rate={self.rate}.")

    def hide(self, batch, random):
        """Hide some of a batch's tokens.

        Args:
            batch: `tokens` (rows, time); `words` (rows, time), the number of each token's word in its row, -1 where
                nothing may be hidden; `specials` (rows, 2), the id of the mask and the number of ids.

        Returns (inputs, right, weights): the batch's other arrays with `tokens` and `places`, what stood at the (rows,
        places) places, and 1 where a place counts; the other places are 0.
        """
        tokens, words = batch["tokens"], batch["words"]
        specials = batch["specials"].reshape(len(tokens), -1)[:, :2]  # of packed rows, once for each example
        if "segments_of_tokens" in batch:
            words = np.where(words >= 0, words + batch["segments_of_tokens"] * words.shape[1], -1)
        places, chosen = self.draw(words, random)
        right = np.take_along_axis(tokens, places, axis=1)
        kind, other = random.random(places.shape), random.integers(0, specials[:, 1:], places.shape)
        shown = np.where(kind < MASKED, specials[:, :1], np.where(kind < MASKED + RANDOM, other, right))
        hidden = tokens.copy()
        np.put_along_axis(hidden, places, np.where(chosen, shown, right), axis=1)
        others = {key: array for key, array in batch.items() if key not in ("words", "specials")}
        inputs = others | {"tokens": hidden, "places": np.where(chosen, places, 0).astype("int32")}
        return inputs, right, chosen.astype("float32")

    def draw(self, words, random):
        """(places, chosen), both (rows, places): which tokens are hidden, and how many of these places count."""
        free = words >= 0
        wanted = np.where(free.any(1), np.maximum(np.round(self.rate * free.sum(1)), 1), 0)
        noise = random.random(words.shape)
        if self.whole_words:
            _, first, number = np.unique(
                words + np.arange(len(words))[:, None] * 2**31, return_index=True, return_inverse=True
            )
            noise = noise.ravel()[first][number].reshape(words.shape)
        order = np.argsort(np.where(free, noise, 2), axis=1, kind="stable")
        most = max(1, round(self.rate * words.shape[1]))
        chosen = np.arange(most) < wanted[:, None]
        return order[:, :most], self._whole(chosen, np.take_along_axis(words, order, axis=1), wanted)

    def _whole(self, chosen, words, wanted):
        """Without the last word of each row where not all of its pieces were chosen, but for a row's only word."""
        if not self.whole_words:
            return chosen
        rows, last = np.arange(len(words)), np.clip(wanted.astype(int) - 1, 0, chosen.shape[1] - 1)
        cut = words[rows, last] == words[rows, np.minimum(last + 1, words.shape[1] - 1)]
        whole = chosen & ~(cut[:, None] & (words[:, : chosen.shape[1]] == words[rows, last][:, None]))
        return np.where(whole.any(1)[:, None], whole, chosen)


def word_numbers(encoding):
    """(n,) int32: the number of each token's word in an `Encoding`, -1 for special tokens.

    A token that touches the one before, in the same text, is of the same word.
    """
    first, last = encoding.offsets[:, 0], encoding.offsets[:, 1]
    special = last == first
    begins = np.append(True, (first[1:] > last[:-1]) | (np.diff(encoding.segments) != 0) | special[:-1])
    return np.where(special, -1, np.cumsum(begins) - 1).astype("int32")


def hidden(rows, masking):
    """Each of an iterable of examples with tokens hidden, the same ones every time, and `right`, what stood there."""
    for number, row in enumerate(rows):
        batch = {key: array[None] for key, array in row.items()}
        inputs, right, weights = masking.hide(batch, np.random.default_rng(number))
        count = int(weights.sum())
        one = {"tokens": inputs["tokens"][0], "places": inputs["places"][0, :count], "right": right[0, :count]}
        yield one | ({"types": row["types"]} if "types" in row else {})


def masked_scores(found):
    """Scores of a list of {"losses", "hits"} of hidden tokens: loss in nats, its perplexity, share guessed right."""
    losses = np.concatenate([one["losses"] for one in found] or [np.zeros(0)]).astype("float64")
    hits = sum(float(np.sum(one["hits"])) for one in found)
    loss = float(losses.mean()) if len(losses) else 0.0
    return {"loss": loss, "perplexity": float(np.exp(min(loss, 700.0))), "accuracy": hits / max(len(losses), 1)}


def specials(tokenizer):
    """(2,) int32: the id of the mask and the number of ids.

    Raises ValueError for a tokenizer that has no mask.
    """
    if tokenizer.mask is None:
        raise ValueError(
            "Masked tokens need a tokenizer with [MASK] or <mask> among its tokens. Received: one without."
        )
    return np.array([tokenizer.mask, tokenizer.size], "int32")
