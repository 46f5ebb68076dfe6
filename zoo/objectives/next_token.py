"""Causal language modelling: predict each token from those before it (Bengio 2003).

https://jmlr.org/papers/v3/bengio03a.html. The records are concatenated and cut into chunks of full length. The
compile/fit preset is AdamW with warm-up and decay (Radford 2018, GPT, section 4.1).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.running_text import ENDING, chunk_stream, concatenate
from zoo.metrics.language import TextNLL, language_scores
from zoo.objectives import Fields, Generates, PromptTemplate
from zoo.objectives._requirements import check_causal
from zoo.runtime.errors import UserError
from zoo.transforms.token_scoring import with_token_losses


@dataclass(frozen=True, kw_only=True)
class NextToken(Generates):
    """Logits of the next token after each token."""

    stateful: bool = False  # recurrent layers keep their state between batches: truncated back-propagation
    overlap: int = 0  # tokens that a window shares with the one before when scoring: better scores, more work

    monitor = "perplexity"
    split_strategy = "end"  # records are running text
    fields = Fields(required=("text",), inputs=("text",), optional=("ending",), defaults={"ending": ""})

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.length:
            raise UserError(f"Expected overlap from 0 to below length={self.length}. Received: overlap={self.overlap}.")

    def tokenizer_texts(self, record):
        return [record["text"] + record.get("ending", ENDING)]

    def check_architecture(self, architecture) -> None:
        check_causal(architecture, "next_token")

    def examples(self, records, tokenizer, train=True):
        ids = _with_start(concatenate(records, tokenizer).ids, tokenizer)
        for start, _, end in chunk_stream(len(ids) - 1, self.length):
            yield {"tokens": ids[start:end]} | ({"labels": ids[start + 1 : end + 1]} if train else {})

    def prompt_ids(self, record, tokenizer):
        ids = tokenizer.encode(record["text"], special=False).ids
        return {"tokens": np.array([*tokenizer.prefix, *ids], "int32")}

    def prompt_template(self, tokenizer) -> PromptTemplate:
        return PromptTemplate(start_ids=tokenizer.prefix)

    def predict(self, run, records, tokenizer):
        """For each record the `losses` of its tokens in nats, with the records before as context, and `tokens`.

        Tokens are strings, or None where there are several records.
        """
        stream = concatenate(records, tokenizer)
        ids = _with_start(stream.ids, tokenizer)
        windows = list(chunk_stream(len(stream), self.length, self.overlap))
        examples = [{"tokens": ids[start:end], "labels": ids[start + 1 : end + 1]} for start, _, end in windows]
        outputs = run(examples, with_token_losses)
        parts = [losses[new - start : end - start] for losses, (start, new, end) in zip(outputs, windows, strict=True)]
        losses = np.concatenate([*parts, np.zeros(0, "float32")])
        ends = np.cumsum(np.bincount(stream.record_ids, minlength=len(records)))[:-1]
        tokens = [tokenizer.token(i) for i in stream.ids] if len(records) == 1 else None
        return [{"losses": part, "tokens": tokens} for part in np.split(losses, ends)]

    def answer(self, decision, record) -> dict:
        """`{"perplexity", "loss"}` of a text, and for a single text `tokens`, each with its loss in nats."""
        scores = language_scores([_nll(decision, record)])
        answer: dict[str, Any] = {"perplexity": scores["perplexity"], "loss": scores["loss"]}
        if decision["tokens"]:
            pairs = zip(decision["tokens"], decision["losses"].tolist(), strict=False)
            answer["tokens"] = [{"token": token, "loss": loss} for token, loss in pairs]
        return answer

    def format(self, answer) -> str:
        return f"perplexity {answer['perplexity']:.2f}  ({answer['loss']:.3f} nats a token)"

    def scores(self, decisions, records):
        return language_scores([_nll(*pair) for pair in zip(decisions, records, strict=True)])


def _with_start(ids, tokenizer):
    """Prepend the begin token, or else the end token or padding, from which the first id is predicted."""
    start = tokenizer.padding if tokenizer.end is None else tokenizer.end
    return np.append(np.array((tokenizer.prefix or (start,))[-1:], "int32"), ids)


def _nll(decision, record):
    text, ending, losses = record["text"], record.get("ending", ENDING), decision["losses"]
    nats, words = float(np.sum(losses, dtype="float64")), len(text.split()) + len(ending)
    return TextNLL(nats, len(losses), words, len(text) + len(ending))
