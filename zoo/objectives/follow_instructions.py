"""Answer instructions, in one turn or several: instruction tuning (Wei 2022, https://arxiv.org/abs/2109.01652).

Conversations are written out by a template, and only the answers are learned, as Ouyang 2022, arXiv:2203.02155, section
3.5, tunes on demonstrations. Causal networks read a whole conversation; encoder-decoders read what leads to an answer
and write it. The compile/fit preset is AdamW with warm-up and cosine decay (Taori 2023, Stanford Alpaca).
"""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.console import console
from zoo.conversation import ANSWERER, check_template, render, stretches, turns
from zoo.layers.vocabulary import TokenLoss, scorer
from zoo.metrics.text import text_scores
from zoo.objective import Objective


@dataclass(frozen=True, kw_only=True)
class FollowInstructions(Objective):
    """Logits of the next token, learned where an answer stands."""

    length: int = 512  # longest conversation, in token ids; what leads to an answer is cut from the left
    template: str = "plain"  # or chatml, or a Jinja template over `messages`
    new_tokens: int = 128  # longest answer that is written
    samples: int = 20  # validation records that are answered while training; the others only tell the perplexity
    encoder: bool = False  # whether what leads to an answer is read by an encoder; filled in for encoder-decoders

    watch = "perplexity"
    aligned = ("right",)

    def __post_init__(self):
        check_template(self.template)

    def suit(self, architecture):
        return replace(self, encoder=architecture.inputs()[0] == "source")

    def check(self, architecture):
        name = type(architecture).__name__
        if self.suit(architecture).encoder:
            return
        if architecture.pooling is None or not architecture.causal:
            raise ValueError(
                "follow_instructions needs a causal network or an encoder-decoder, which write token by token. "
                f"Received: {name}, whose features {'are one a text' if architecture.pooling is None else 'see all'}."
            )

    def needs(self):
        return ()

    def asks(self):
        return ("instruction",)

    def fit(self, dataset):
        for split in dataset.splits:
            self.accept(dataset, split)
        return self

    def accept(self, dataset, split):
        for place, record in dataset.placed(split):
            if "messages" not in record and not {"instruction", "output"} <= set(record):
                raise ValueError(
                    f"Expected instruction and output, or messages, at {place}. Received: {', '.join(record)}."
                )
            if not any(answer.strip() for _, answer in self._stretches(record)):
                raise ValueError(f"Expected an answer at {place}. Received: none that is not empty.")

    def _stretches(self, record):
        return stretches(turns(record), self.template)

    def texts(self, record):
        return [text for stretch in self._stretches(record) for text in stretch]

    def examples(self, records, tokenizer, train=True):
        cut = 0
        for record in records:
            for row, whole in self._examples(record, tokenizer):
                cut += not whole
                yield row
        if cut and train:
            console.print(f"Cut from the left: {cut} conversations longer than objective.length={self.length}.")

    def _examples(self, record, tokenizer):
        """Yield each example of a record, and whether it is there as a whole."""
        parts = [(self._ids(lead, tokenizer), self._ids(answer, tokenizer)) for lead, answer in self._stretches(record)]
        ended = [(lead, np.append(answer, _end(tokenizer)).astype("int32")) for lead, answer in parts]
        return self._pairs(ended, tokenizer) if self.encoder else [self._row(ended, tokenizer)]

    def _ids(self, text, tokenizer):
        return tokenizer.encode(text, special=False).ids

    def _row(self, parts, tokenizer):
        """One conversation; `right` is the token after each, -1 where that is not of an answer."""
        ids = np.concatenate([[_end(tokenizer)], *(ids for part in parts for ids in part)]).astype("int32")
        learned = np.concatenate([[False], *(np.arange(len(a) + len(b)) >= len(a) for a, b in parts)])
        tokens, right = ids[:-1], np.where(learned[1:], ids[1:], -1).astype("int32")
        return {"tokens": tokens[-self.length :], "right": right[-self.length :]}, len(tokens) <= self.length

    def _pairs(self, parts, tokenizer):
        """A source and a target for each answer of a conversation."""
        before = np.zeros(0, "int32")
        for lead, answer in parts:
            source = np.append(before, lead).astype("int32")
            target = np.append(_begin(tokenizer), answer)[: self.length + 1].astype("int32")
            row = {"source": source[-self.length :], "target": target[:-1], "right": target[1:]}
            yield row, len(source) <= self.length
            before = np.concatenate([before, lead, answer])

    def opening(self, record, tokenizer):
        return self._question(record, tokenizer)

    def arrange(self, batch, random):
        right = batch.pop("right")
        return batch, np.maximum(right, 0), (right >= 0).astype("float32")

    def head(self, architecture, trunk):
        return keras.Model(trunk.input, architecture.logits(trunk))

    def loss(self):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For each record {"text": the answer that the network writes}, and with an answer its losses in nats.

        While training, all but the first `samples` records have no text.
        """
        questions = [self._question(record, tokenizer) for record in records]
        written = run.generate(questions[: self.samples] if run.watching else questions, self.new_tokens)
        texts = [tokenizer.decode(ids).strip() for ids in written] + [None] * (len(records) - len(written))
        found = [{"text": text} for text in texts]
        if all(_answered(record) for record in records):
            for one, losses in zip(found, self._losses(run, records, tokenizer), strict=True):
                one["losses"] = losses
        return found

    def _question(self, record, tokenizer):
        """The row that leads to a record's last answer, or to the one it asks for."""
        messages = turns(record)
        asked = messages[:-1] if messages[-1]["role"] == ANSWERER else messages
        ids = self._lead(asked, tokenizer)
        if self.encoder:
            return {"source": ids[-self.length :]}
        room = max(self.length - self.new_tokens, 1)
        return {"tokens": np.append(_end(tokenizer), ids)[-room:].astype("int32")}

    def _lead(self, asked, tokenizer):
        """Ids of the text that leads to an answer: those of the turns before as they were learned."""
        parts, done = [], ""
        for lead, answer in stretches(asked, self.template):
            parts += [self._ids(lead, tokenizer), self._ids(answer, tokenizer), [_end(tokenizer)]]
            done += lead + answer
        rest = render(asked, self.template, asking=True)[len(done) :]
        return np.concatenate([*parts, self._ids(rest, tokenizer)]).astype("int32")

    def _losses(self, run, records, tokenizer):
        rows, owners = [], []
        for number, record in enumerate(records):
            for row, _ in self._examples(record, tokenizer):
                rows.append(row)
                owners.append(number)
        each = [[] for _ in records]
        for number, row, losses in zip(owners, rows, run(rows, scorer), strict=True):
            each[number].append(losses[: len(row["right"])][row["right"] >= 0])
        return [np.concatenate(some) for some in each]

    def answer(self, prediction, record):
        """`{"text"}`: the answer that the network writes."""
        return {"text": prediction["text"]}

    def read(self, answer):
        return " ".join(answer["text"].split())

    def serve(self, outputs):
        raise ValueError("follow_instructions writes token by token: one pass of the network is no answer.")

    def scores(self, predictions, records):
        """Loss in nats and perplexity of the answers' tokens; BLEU, chrF and ROUGE of the last answers as written."""
        losses = np.concatenate([one["losses"] for one in predictions] or [np.zeros(0)]).astype("float64")
        loss = float(losses.mean()) if len(losses) else 0.0
        pairs = [
            (one["text"], turns(record)[-1]["content"])
            for one, record in zip(predictions, records, strict=True)
            if one["text"] is not None
        ]
        written = text_scores(*map(list, zip(*pairs, strict=True))) if pairs else {}
        return {"loss": loss, "perplexity": float(np.exp(min(loss, 700.0)))} | written

    def rank(self, scores):
        return (-scores["loss"],)


def _answered(record):
    return turns(record)[-1]["role"] == ANSWERER


def _begin(tokenizer):
    """The id that an encoder-decoder's target begins with; T5 has none but padding."""
    return tokenizer.padding if tokenizer.first is None else tokenizer.first


def _end(tokenizer):
    """The id that ends an answer, and stands before a conversation."""
    if tokenizer.separator is None:
        raise ValueError("follow_instructions needs a tokenizer with a token that ends texts, such as [SEP] or </s>.")
    return tokenizer.separator
