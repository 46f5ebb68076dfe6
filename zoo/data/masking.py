"""Masked-LM corruption: which tokens are chosen, and what replaces them (Devlin 2018, arXiv:1810.04805)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.metrics.language import perplexity
from zoo.runtime.errors import UserError
from zoo.text.template import Encoding
from zoo.text.tokenizer import Tokenizer

MASKED, RANDOM = 0.8, 0.1  # shares of the chosen tokens; the others stay as they are (section 3.1)


@dataclass(frozen=True, kw_only=True)
class Masking:
    """The rate and the unit of masked-LM corruption. Raises UserError for a rate that is not between 0 and 1."""

    mask_rate: float = 0.15  # share of all tokens that are chosen
    whole_words: bool = False  # all pieces of a word are chosen together

    def __post_init__(self) -> None:
        if not 0 < self.mask_rate < 1:
            raise UserError(f"Expected mask_rate above 0 and below 1. Received: mask_rate={self.mask_rate}.")

    def mask(self, batch: dict, random: np.random.Generator) -> tuple[dict, np.ndarray, np.ndarray]:
        """Mask some of a batch's tokens.

        Args:
            batch: `tokens` (rows, time); `word_ids` (rows, time), the number of each token's word in its row, -1 where
                a token is never chosen; `mask_token_and_size` (rows, 2), see the function of that name.
            random: the generator that chooses tokens and replacements.

        Returns (inputs, labels, weights): the batch's other arrays with the corrupted `tokens` and `mask_positions`;
        the original tokens at the (rows, positions) positions; and 1 where a position is masked, 0 where it is padding.
        """
        tokens, words = batch["tokens"], batch["word_ids"]
        mask_token, size = _mask_token_and_size(batch)
        if "example_ids_of_tokens" in batch:  # each packed example counts its words from 0
            words = np.where(words >= 0, words + batch["example_ids_of_tokens"] * words.shape[1], -1)
        positions, chosen = self.choose_positions(words, random)
        labels = np.take_along_axis(tokens, positions, axis=1)
        noise, random_tokens = random.random(positions.shape), random.integers(0, size, positions.shape)
        replacement = np.where(noise < MASKED + RANDOM, random_tokens, labels)
        replacement = np.where(noise < MASKED, mask_token, replacement)
        corrupted = tokens.copy()
        np.put_along_axis(corrupted, positions, np.where(chosen, replacement, labels), axis=1)
        inputs = {key: array for key, array in batch.items() if key not in ("word_ids", "mask_token_and_size")}
        inputs |= {"tokens": corrupted, "mask_positions": np.where(chosen, positions, 0).astype("int32")}
        return inputs, labels, chosen.astype("float32")

    def choose_positions(self, words: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(positions, chosen), both (rows, positions): candidates for the mask, and which of them are chosen."""
        maskable = words >= 0
        counts = np.where(maskable.any(1), np.maximum(np.round(self.mask_rate * maskable.sum(1)), 1), 0)
        noise = random.random(words.shape)
        if self.whole_words:
            words_of_batch = words + np.arange(len(words))[:, None] * 2**31
            _, first, inverse = np.unique(words_of_batch, return_index=True, return_inverse=True)
            noise = noise.ravel()[first][inverse].reshape(words.shape)  # one number for all pieces of a word
        order = np.argsort(np.where(maskable, noise, 2), axis=1, kind="stable")
        most = max(1, round(self.mask_rate * words.shape[1]))
        chosen = np.arange(most) < counts[:, None]
        return order[:, :most], self._complete_words(chosen, np.take_along_axis(words, order, axis=1), counts)

    def _complete_words(self, chosen, words, counts):
        """`chosen` without a row's last word if only some of its pieces are chosen, unless it is its only word."""
        if not self.whole_words:
            return chosen
        rows, last = np.arange(len(words)), np.clip(counts.astype(int) - 1, 0, chosen.shape[1] - 1)
        cut = words[rows, last] == words[rows, np.minimum(last + 1, words.shape[1] - 1)]
        complete = chosen & ~(cut[:, None] & (words[:, : chosen.shape[1]] == words[rows, last][:, None]))
        return np.where(complete.any(1)[:, None], complete, chosen)


def _mask_token_and_size(batch):
    """Two (rows, 1) arrays. A packed row holds the pair once for each of its examples."""
    pairs = batch["mask_token_and_size"].reshape(len(batch["tokens"]), -1)
    return pairs[:, :1], pairs[:, 1:2]


def word_ids(encoding: Encoding) -> np.ndarray:
    """(n,) int32: the number of each token's word in an `Encoding`, -1 for special tokens.

    A token that touches the token before it, in the same text, is of the same word.
    """
    start, end = encoding.offsets[:, 0], encoding.offsets[:, 1]
    special = end == start
    begins = np.append(True, (start[1:] > end[:-1]) | (np.diff(encoding.segments) != 0) | special[:-1])
    return np.where(special, -1, np.cumsum(begins) - 1).astype("int32")


def mask_examples(examples: Iterable[dict], masking: Masking) -> Iterator[dict]:
    """Yield each example with masked tokens, the same in every call, and `labels`, the original tokens."""
    for number, example in enumerate(examples):
        batch = {key: array[None] for key, array in example.items()}
        inputs, labels, weights = masking.mask(batch, np.random.default_rng(number))
        count = int(weights.sum())
        masked = {"tokens": inputs["tokens"][0], "mask_positions": inputs["mask_positions"][0, :count]}
        masked |= {"labels": labels[0, :count]}
        yield masked | ({"segments": example["segments"]} if "segments" in example else {})


def masked_scores(predictions: Sequence[dict]) -> dict[str, float]:
    """Scores of a list of {"losses", "hits"} of masked tokens: loss in nats, perplexity, accuracy."""
    losses = np.concatenate([part["losses"] for part in predictions] or [np.zeros(0)]).astype("float64")
    correct = sum(float(np.sum(part["hits"])) for part in predictions)
    loss = float(losses.mean()) if len(losses) else 0.0
    return {"loss": loss, "perplexity": perplexity(loss), "accuracy": correct / max(len(losses), 1)}


def mask_token_and_size(tokenizer: Tokenizer) -> np.ndarray:
    """(2,) int32: the id of the mask token and the vocabulary size.

    Raises UserError for a tokenizer that has no mask token.
    """
    if tokenizer.mask is None:
        raise UserError("Expected a tokenizer with a mask token, [MASK] or <mask>. Received: one without.")
    return np.array([tokenizer.mask, tokenizer.vocabulary_size], "int32")


def special_ids(tokenizer: Tokenizer) -> list[int]:
    """Ids of tokens such as [SEP] and [UNK], which are never predicted in place of a mask."""
    names = (tokenizer.pad, tokenizer.unknown, tokenizer.start, tokenizer.end, tokenizer.mask)
    return [i for i in names if i is not None]
