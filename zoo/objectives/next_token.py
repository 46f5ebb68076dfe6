"""Predict each token from those before it: a language model (Bengio 2003, https://jmlr.org/papers/v3/bengio03a.html).

Running text, record after record, is cut into windows without waste. The compile/fit preset is AdamW with warm-up and
decay (Radford 2018, GPT, section 4.1).
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data.running_text import ENDING, join, windows
from zoo.layers.token_logits import TokenLoss, scorer
from zoo.metrics.language import TextNLL, language_scores
from zoo.objectives import Objective, PromptTemplate
from zoo.objectives._requirements import check_sees_no_later_token


@dataclass(frozen=True, kw_only=True)
class NextToken(Objective):
    """Logits of the next token after each token."""

    carry: bool = False  # recurrent networks go on from batch to batch: truncated back-propagation
    context: int = 0  # tokens that a window shares with the one before when scoring: better figures, more work

    watch = "perplexity"
    draw = "end"  # records go on from one to the next
    aligned = ("target",)

    def __post_init__(self):
        if not 0 <= self.context < self.length:
            raise ValueError(
                f"Expected context from 0 to below length={self.length}. Received: context={self.context}."
            )

    def check(self, architecture):
        check_sees_no_later_token(architecture, "next_token")

    def record(self, text):
        return super().record(text) | {"ending": ""}

    def needs(self):
        return ("text",)

    def asks(self):
        return ("text",)

    def texts(self, record):
        return [record["text"] + record.get("ending", ENDING)]

    def examples(self, records, tokenizer, train=True):
        ids = _led(join(records, tokenizer).ids, tokenizer)
        for start, _, end in windows(len(ids) - 1, self.length):
            yield {"tokens": ids[start:end]} | ({"target": ids[start + 1 : end + 1]} if train else {})

    def opening(self, record, tokenizer):
        return {"tokens": tokenizer.encode(record["text"], special=False).ids}

    def prompt(self, tokenizer):
        return PromptTemplate()

    def arrange(self, batch, random):
        targets = batch.pop("target")
        return batch, np.maximum(targets, 0), (targets >= 0).astype("float32")

    def head(self, architecture, trunk):
        return keras.Model(trunk.input, architecture.logits(trunk))

    def loss(self):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For each record the losses of its tokens in nats and the tokens, read on from the record before."""
        stream = join(records, tokenizer)
        ids = _led(stream.ids, tokenizer)
        rows, places = [], list(windows(len(stream), self.length, self.context))
        for start, _, end in places:
            rows.append({"tokens": ids[start:end], "right": ids[start + 1 : end + 1]})
        found = run(rows, scorer)
        parts = [losses[new - start : end - start] for losses, (start, new, end) in zip(found, places, strict=True)]
        losses = np.concatenate([*parts, np.zeros(0, "float32")])
        ends = np.cumsum(np.bincount(stream.owners, minlength=len(records)))[:-1]
        tokens = [tokenizer.token(i) for i in stream.ids] if len(records) == 1 else None
        return [{"losses": one, "tokens": tokens} for one in np.split(losses, ends)]

    def answer(self, prediction, record):
        """`{"perplexity", "loss"}` of a text, and for a single one `tokens`, each with its loss in nats."""
        scores = language_scores([_surprise(prediction, record)])
        tokens = prediction["tokens"]
        each = [{"token": t, "loss": float(loss)} for t, loss in zip(tokens or (), prediction["losses"], strict=False)]
        return {"perplexity": scores["perplexity"], "loss": scores["loss"]} | ({"tokens": each} if tokens else {})

    def read(self, answer):
        return f"perplexity {answer['perplexity']:.2f}  ({answer['loss']:.3f} nats a token)"

    def scores(self, predictions, records):
        return language_scores([_surprise(*pair) for pair in zip(predictions, records, strict=True)])

    def rank(self, scores):
        return (-scores["loss"],)


def _led(ids, tokenizer):
    """The ids with the separator before them, from which the first one is predicted."""
    return np.append(
        np.array([tokenizer.padding if tokenizer.separator is None else tokenizer.separator], "int32"), ids
    )


def _surprise(prediction, record):
    text, ending = record["text"], record.get("ending", ENDING)
    losses = prediction["losses"]
    return TextNLL(
        float(np.sum(losses, dtype="float64")), len(losses), len(text.split()) + len(ending), len(text) + len(ending)
    )
