"""Guess the tokens that were hidden in running text: a masked language model (Devlin 2018, arXiv:1810.04805).

As RoBERTa does it (Liu 2019, arXiv:1907.11692, section 4): windows of full length over text that runs on across
records, other tokens hidden in every epoch. The compile/fit preset
is BERT's AdamW with warm-up and linear decay (appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from zoo.data.masking import Masking, hidden, masked_scores, specials
from zoo.data.running_text import ENDING, between, join, windows
from zoo.layers.token_logits import TokenLoss, judge, masked_head
from zoo.objectives import Objective
from zoo.objectives._requirements import check_sees_both_sides

MASK = "[MASK]"  # what a person writes where a word is to be guessed


@dataclass(frozen=True, kw_only=True)
class MaskedToken(Objective):
    """Logits at the hidden places."""

    rate: float = 0.15  # of tokens that are hidden
    whole_words: bool = False  # all pieces of a word are hidden together
    guesses: int = 5  # for each [MASK] in an answer

    watch = "perplexity"
    varied = True
    reading = "masks"
    draw = "end"  # records go on from one to the next
    aligned = ("words",)

    @property
    def masking(self):
        return Masking(rate=self.rate, whole_words=self.whole_words)

    def check(self, architecture):
        check_sees_both_sides(architecture, "masked_token")
        self.masking  # noqa: B018 - raises for a rate out of its range

    def needs(self):
        return ("text",)

    def asks(self):
        return ("text",)

    def record(self, text):
        record = super().record(text)
        if MASK not in record["text"]:
            raise ValueError(f"Expected {MASK} where a word is to be guessed. Received: {record['text']!r:.80}.")
        return record

    def texts(self, record):
        return [record["text"] + record.get("ending", ENDING)]

    def examples(self, records, tokenizer, train=True):
        stream = join(records, tokenizer)
        for start, end in self._windows(stream):
            words = stream.words[start:end]
            yield {
                "tokens": between(stream.ids[start:end], tokenizer),
                "words": np.concatenate([[-1], words - words[0], [-1]]).astype("int32"),
                "specials": specials(tokenizer),
            }

    def _windows(self, stream):
        return [(start, end) for start, _, end in windows(len(stream), self.length - 2)]

    def arrange(self, batch, random):
        return self.masking.hide(batch, random)

    def head(self, architecture, trunk):
        logits, places = masked_head(architecture, trunk)
        return keras.Model({**trunk.input, "places": places}, logits)

    def loss(self):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For a record with [MASK] the best guesses for each; for others the losses in nats of tokens hidden there."""
        asked = [MASK in record["text"] for record in records]
        guessed = iter(self._guess(run, [r for r, ask in zip(records, asked, strict=True) if ask], tokenizer))
        hidden = iter(self._score(run, [r for r, ask in zip(records, asked, strict=True) if not ask], tokenizer))
        return [next(guessed if ask else hidden) for ask in asked]

    def _guess(self, run, records, tokenizer):
        rows = [self._question(record["text"], tokenizer) for record in records]
        for row, logits in zip(rows, run(rows), strict=True):
            yield {"guesses": [self._best(one, tokenizer) for one in logits[: len(row["places"])].astype("float64")]}

    def _best(self, logits, tokenizer):
        """{token: probability} of the likeliest tokens, falling; tokens such as [SEP] and [UNK] are no guesses."""
        logits[no_guesses(tokenizer)] = -np.inf
        chances = np.exp(logits - logits.max())
        best = np.argsort(-logits, kind="stable")[: self.guesses]
        return {tokenizer.token(i): float(chances[i] / chances.sum()) for i in best}

    def _question(self, text, tokenizer):
        parts = [tokenizer.encode(part, special=False).ids for part in text.split(MASK)]
        mask = specials(tokenizer)[:1]
        ids = np.concatenate([array for part in parts for array in (mask, part)][1:])
        tokens = between(ids, tokenizer)
        if len(tokens) > self.length:
            raise ValueError(
                f"Expected at most {self.length} tokens around {MASK}. Received: {len(tokens)}, {text!r:.60}."
            )
        return {"tokens": tokens, "places": np.flatnonzero(tokens == tokenizer.mask).astype("int32")}

    def _score(self, run, records, tokenizer):
        if not records:
            return []
        stream = join(records, tokenizer)
        rows = list(hidden(self.examples(records, tokenizer), self.masking))
        found, owners = run(rows, judge), []
        parts = {"losses": [], "hits": []}
        for row, one, (start, _) in zip(rows, found, self._windows(stream), strict=True):
            owners.append(stream.owners[start + row["places"] - 1])
            for name, part in parts.items():
                part.append(one[name][: len(row["places"])])
        owners, parts = _joined(owners), {name: _joined(part) for name, part in parts.items()}
        return [{name: part[owners == i] for name, part in parts.items()} for i in range(len(records))]

    def answer(self, prediction, record):
        """`{"text", "masks"}`: the text with the best guesses, and for each [MASK] its guesses with probabilities."""
        best = [next(iter(guesses)) for guesses in prediction["guesses"]]
        text = "".join(a + b for a, b in zip(record["text"].split(MASK), [*best, ""], strict=True))
        return {"text": text, "masks": prediction["guesses"]}

    def read(self, answer):
        lines = ["  ".join(f"{token} {p:.3f}" for token, p in guesses.items()) for guesses in answer["masks"]]
        return f"{answer['text']}  ({' | '.join(lines)})"

    def serve(self, outputs):
        """`guesses`, ids of the likeliest tokens for each mask, falling, and their `scores`: (rows, masks, guesses).

        Given are logits, (rows, masks, vocabulary), and ids that are no guesses.
        """
        logits, never = outputs
        hide = np.zeros(logits.shape[-1], "float32")
        hide[never] = -np.inf
        scores, guesses = ops.top_k(ops.softmax(logits + hide), min(self.guesses, len(hide)))
        return {"guesses": guesses, "scores": scores}

    def scores(self, predictions, records):
        return masked_scores(predictions)

    def rank(self, scores):
        return (-scores["loss"],)


def no_guesses(tokenizer):
    """Ids of tokens such as [SEP] and [UNK]."""
    names = (tokenizer.pad, tokenizer.unknown, tokenizer.first, tokenizer.separator, tokenizer.mask)
    return [i for i in names if i is not None]


def _joined(arrays):
    return np.concatenate(arrays) if arrays else np.zeros(0)
