"""Predict each token from those before it: a language model (Bengio 2003, https://jmlr.org/papers/v3/bengio03a.html).

Running text, record after record, is cut into windows without waste. The compile/fit preset is AdamW with warm-up and
decay (Radford 2018, GPT, section 4.1).
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data.running_text import ENDING, chunk_stream, concatenate
from zoo.layers.token_logits import TokenLoss
from zoo.metrics.language import TextNLL, language_scores
from zoo.objectives import Objective, PromptTemplate
from zoo.objectives._requirements import check_sees_no_later_token
from zoo.runtime.errors import UserError
from zoo.transforms.token_scoring import with_token_losses


@dataclass(frozen=True, kw_only=True)
class NextToken(Objective):
    """Logits of the next token after each token."""

    stateful: bool = False  # recurrent networks go on from batch to batch: truncated back-propagation
    overlap: int = 0  # tokens that a window shares with the one before when scoring: better figures, more work

    monitor = "perplexity"
    split_strategy = "end"  # records go on from one to the next
    per_token = ("labels",)

    def __post_init__(self):
        if not 0 <= self.overlap < self.length:
            raise UserError(f"Expected context from 0 to below length={self.length}. Received: context={self.overlap}.")

    def check_architecture(self, architecture):
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
        ids = _led(concatenate(records, tokenizer).ids, tokenizer)
        for start, _, end in chunk_stream(len(ids) - 1, self.length):
            yield {"tokens": ids[start:end]} | ({"labels": ids[start + 1 : end + 1]} if train else {})

    def prompt_ids(self, record, tokenizer):
        return {"tokens": tokenizer.encode(record["text"], special=False).ids}

    def prompt_template(self, tokenizer):
        return PromptTemplate()

    def collate(self, batch, random):
        targets = batch.pop("labels")
        return batch, np.maximum(targets, 0), (targets >= 0).astype("float32")

    def head(self, architecture, backbone):
        return keras.Model(backbone.input, architecture.logits(backbone))

    def loss(self):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For each record the losses of its tokens in nats and the tokens, read on from the record before."""
        stream = concatenate(records, tokenizer)
        ids = _led(stream.ids, tokenizer)
        rows, places = [], list(chunk_stream(len(stream), self.length, self.overlap))
        for start, _, end in places:
            rows.append({"tokens": ids[start:end], "labels": ids[start + 1 : end + 1]})
        found = run(rows, with_token_losses)
        parts = [losses[new - start : end - start] for losses, (start, new, end) in zip(found, places, strict=True)]
        losses = np.concatenate([*parts, np.zeros(0, "float32")])
        ends = np.cumsum(np.bincount(stream.record_ids, minlength=len(records)))[:-1]
        tokens = [tokenizer.token(i) for i in stream.ids] if len(records) == 1 else None
        return [{"losses": one, "tokens": tokens} for one in np.split(losses, ends)]

    def answer(self, prediction, record):
        """`{"perplexity", "loss"}` of a text, and for a single one `tokens`, each with its loss in nats."""
        scores = language_scores([_surprise(prediction, record)])
        tokens = prediction["tokens"]
        each = [{"token": t, "loss": float(loss)} for t, loss in zip(tokens or (), prediction["losses"], strict=False)]
        return {"perplexity": scores["perplexity"], "loss": scores["loss"]} | ({"tokens": each} if tokens else {})

    def format(self, answer):
        return f"perplexity {answer['perplexity']:.2f}  ({answer['loss']:.3f} nats a token)"

    def scores(self, predictions, records):
        return language_scores([_surprise(*pair) for pair in zip(predictions, records, strict=True)])

    def selection_key(self, scores):
        return (-scores["loss"],)


def _led(ids, tokenizer):
    """The ids with the separator before them, from which the first one is predicted."""
    return np.append(
        np.array([tokenizer.padding if tokenizer.end is None else tokenizer.end], "int32"), ids
    )


def _surprise(prediction, record):
    text, ending = record["text"], record.get("ending", ENDING)
    losses = prediction["losses"]
    return TextNLL(
        float(np.sum(losses, dtype="float64")), len(losses), len(text.split()) + len(ending), len(text) + len(ending)
    )
