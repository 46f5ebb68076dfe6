"""Write a target text for a source text: a translation, a summary, whatever the pairs to learn from hold.

The network is taught with the target so far (Sutskever et al. 2014, https://arxiv.org/abs/1409.3215) by cross-entropy
with smoothed labels, Vaswani et al. 2017, section 5.4, https://arxiv.org/abs/1706.03762. One tokenizer learns from both
texts. What is scored is what the network writes by itself, with the likeliest token at each step.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.layers.vocabulary import TokenLoss, scorer
from zoo.metrics.text import text_scores
from zoo.objective import Objective


@dataclass(frozen=True, kw_only=True)
class Translate(Objective):
    """A target for each source, by an encoder-decoder."""

    length: int = 256  # longest source, in token ids; longer ones are cut
    target_length: int = 128  # longest target, in token ids; longer ones are cut, and writing stops there
    label_smoothing: float = 0.1
    ignore_case: bool = False  # in BLEU and chrF, where the tokenizer makes small letters; ROUGE always does
    begin: tuple[str, ...] = ("first",)  # special ids before a target; filled in by what the architecture is used to
    samples: int = 64  # validation records that are written out while training; the others only tell the perplexity

    watch = "perplexity"
    aligned = ("right",)

    def __post_init__(self):
        if not 2 <= self.target_length <= self.length:
            raise ValueError(
                f"Expected target_length from 2 to length={self.length}. Received: target_length={self.target_length}."
            )

    def check(self, architecture):
        names = architecture.inputs()
        if names[0] != "source":
            raise ValueError(
                "translate needs an encoder-decoder, which reads source and target. "
                f"Received: {type(architecture).__name__}, which reads {' and '.join(names)}."
            )

    def suit(self, architecture):
        return replace(self, begin=architecture.begin)

    def needs(self):
        return ("source", "target")

    def asks(self):
        return ("source",)

    def texts(self, record):
        return [record["source"], record["target"]]

    def fit(self, dataset):
        for split in dataset.splits:
            self.accept(dataset, split)
        return self

    def accept(self, dataset, split):
        for place, record in dataset.placed(split):
            if not record["target"].strip():
                raise ValueError(f"Expected a target at {place}. Received: target={record['target']!r}.")

    def examples(self, records, tokenizer, train=True):
        sources = tokenizer.encode_batch([record["source"] for record in records], length=self.length)
        begin, end = self._bounds(tokenizer)
        if not train:
            yield from ({"source": source.ids, "target": begin} for source in sources)
            return
        texts, room = [record["target"] for record in records], max(self.target_length - len(begin), 0)
        targets = tokenizer.encode_batch(texts, length=room, special=False)
        for source, target in zip(sources, targets, strict=True):
            ids = np.concatenate([begin, target.ids, [end]]).astype("int32")
            yield {"source": source.ids, "target": ids[:-1], "right": ids[1:]}

    def _bounds(self, tokenizer):
        """The ids that every target begins with, and the one that ends it."""
        if tokenizer.separator is None:
            raise ValueError("translate needs a tokenizer with a token that ends texts, such as [SEP] or </s>.")
        begin = [getattr(tokenizer, name) for name in self.begin]
        return np.array([tokenizer.padding if i is None else i for i in begin], "int32"), tokenizer.separator

    @property
    def new_tokens(self):
        return self.target_length

    def opening(self, record, tokenizer):
        return next(iter(self.examples([record], tokenizer, train=False)))

    def arrange(self, batch, random):
        right = batch.pop("right")
        return batch, np.maximum(right, 0), (right >= 0).astype("float32")

    def head(self, architecture, trunk):
        return keras.Model(trunk.input, architecture.logits(trunk))

    def loss(self):
        return TokenLoss(self.label_smoothing)

    def predict(self, run, records, tokenizer):
        """For each record {"text": what the network writes} and, of those with a target, the "losses" of its tokens.

        While training, all but the first `samples` records have no text.
        """
        sources = list(self.examples(records, tokenizer, train=False))
        written = run.generate(sources[: self.samples] if run.watching else sources, self.target_length)
        texts = [tokenizer.decode(ids) for ids in written] + [None] * (len(sources) - len(written))
        found = [{"text": text} for text in texts]
        if all("target" in record for record in records):
            rows = list(self.examples(records, tokenizer))
            for one, row, losses in zip(found, rows, run(rows, scorer), strict=True):
                one["losses"] = losses[: len(row["right"])]
        return found

    def answer(self, prediction, record):
        """`{"text"}`: what the network writes."""
        return {"text": prediction["text"]}

    def read(self, answer):
        return " ".join(answer["text"].split())

    def serve(self, outputs):
        raise ValueError("translate writes token by token: one pass of the network is no answer.")

    def scores(self, predictions, records):
        """Loss in nats and perplexity a target token, and BLEU, chrF and ROUGE of the records that were written out."""
        losses = np.concatenate([one["losses"] for one in predictions] or [np.zeros(0)]).astype("float64")
        loss = float(losses.mean()) if len(losses) else 0.0
        pairs = [
            (one["text"], record["target"])
            for one, record in zip(predictions, records, strict=True)
            if one["text"] is not None
        ]
        written = text_scores(*map(list, zip(*pairs, strict=True)), self.ignore_case) if pairs else {}
        return {"loss": loss, "perplexity": float(np.exp(min(loss, 700.0)))} | written

    def rank(self, scores):
        return (-scores["loss"],)
