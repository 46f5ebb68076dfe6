"""What objectives share whose networks write: they learn the next token, and are scored by the texts they write."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.layers.token_logits import TokenLoss
from zoo.metrics.text import ROUGES, text_scores
from zoo.objectives import Objective
from zoo.runtime.errors import UserError, one_of
from zoo.transforms.token_scoring import with_token_losses

MONITORS = ("perplexity", "bleu", "chrf", *ROUGES)
MOST = 700.0  # nats in the exponent of a perplexity: what float64 holds


@dataclass(frozen=True, kw_only=True)
class TextGeneration(Objective):
    """Rows hold `right`, the token that is to follow each one of the text, -1 where none is learned."""

    eval_samples: int = 64  # validation records that are written out while training; the others only tell the perplexity
    monitor: str = "perplexity"  # what tells the best weights: this, or bleu, chrf, rouge1, rouge2 or rougeL
    ignore_case: bool = False  # in BLEU and chrF, where the tokenizer makes small letters; ROUGE always does
    decoder_start: tuple[str, ...] = ("start",)  # special ids before a target; filled in by what the architecture is used to

    per_token = ("labels",)

    def __post_init__(self):
        one_of("monitor", self.monitor, MONITORS)
        if self.monitor != "perplexity" and self.eval_samples < 1:
            raise UserError(
                f"watch={self.monitor!r} needs texts to be written: samples of at least 1. "
                f"Received: samples={self.eval_samples}."
            )

    @abstractmethod
    def reference(self, record):
        """The text that ought to be written for a record, or None where it does not tell."""

    @abstractmethod
    def scored_examples(self, records, tokenizer):
        """`(rows, owners)`: all examples of a list of records, which tell what is wanted, and the record of each."""

    def suit(self, architecture):
        return replace(self, decoder_start=architecture.decoder_start)

    def fit(self, dataset):
        for split in dataset.splits:
            self.accept(dataset, split)
        return self

    def start_and_end(self, tokenizer):
        """The ids, int32, that every target begins with, and the one that ends it.

        Raises UserError for a tokenizer that has none to end with.
        """
        if tokenizer.end is None:
            name = type(self).__module__.rpartition(".")[2]
            raise UserError(f"{name} needs a tokenizer with a token that ends texts, such as [SEP] or </s>.")
        decoder_start = [getattr(tokenizer, name) for name in self.decoder_start]
        return np.array([tokenizer.padding if i is None else i for i in decoder_start], "int32"), tokenizer.end

    def collate(self, batch, random):
        right = batch.pop("labels")
        return batch, np.maximum(right, 0), (right >= 0).astype("float32")

    def head(self, architecture, backbone):
        return keras.Model(backbone.input, architecture.logits(backbone))

    def loss(self):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For each record {"text": what the network writes}, and where all tell what is wanted its "losses" in nats.

        While training, all but the first `eval_samples` records have no text.
        """
        openings = [self.prompt_ids(record, tokenizer) for record in records]
        written = run.generate(openings[: self.eval_samples] if run.watching else openings, self.max_new_tokens)
        texts = [self.clean(tokenizer.decode(ids)) for ids in written] + [None] * (len(records) - len(written))
        found = [{"text": text} for text in texts]
        if all(self.reference(record) is not None for record in records):
            for one, losses in zip(found, self._losses(run, records, tokenizer), strict=True):
                one["losses"] = losses
        return found

    def clean(self, text):
        """A written text as it is shown and scored."""
        return text

    def _losses(self, run, records, tokenizer):
        rows, owners = self.scored_examples(records, tokenizer)
        each = [[] for _ in records]
        for number, row, losses in zip(owners, rows, run(rows, with_token_losses), strict=True):
            each[number].append(losses[: len(row["labels"])][row["labels"] >= 0])
        return [np.concatenate(some) for some in each]

    def answer(self, prediction, record):
        """`{"text"}`: what the network writes."""
        return {"text": prediction["text"]}

    def format(self, answer):
        return " ".join(answer["text"].split())

    def scores(self, predictions, records):
        """Loss in nats and perplexity a wanted token; BLEU, chrF and ROUGE of the records that were written out."""
        losses = np.concatenate([one["losses"] for one in predictions] or [np.zeros(0)]).astype("float64")
        loss = float(losses.mean()) if len(losses) else 0.0
        pairs = [
            (one["text"], self.reference(record))
            for one, record in zip(predictions, records, strict=True)
            if one["text"] is not None
        ]
        written = text_scores(*map(list, zip(*pairs, strict=True)), self.ignore_case) if pairs else {}
        return {"loss": loss, "perplexity": float(np.exp(min(loss, MOST)))} | written

    def selection_key(self, scores):
        """Of two epochs whose watched score is the same, the one with the lower loss has learned more."""
        if self.monitor == "perplexity":
            return (-scores["loss"],)
        return (scores[self.monitor], -scores["loss"])
