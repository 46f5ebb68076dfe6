"""Write a target text for a source text: a translation, a summary, whatever the pairs to learn from hold.

The network is taught with the target so far (Sutskever et al. 2014, https://arxiv.org/abs/1409.3215) by cross-entropy
with smoothed labels, Vaswani et al. 2017, section 5.4, https://arxiv.org/abs/1706.03762. One tokenizer learns from both
texts. What is scored is what the network writes by itself, with the likeliest token at each step.
"""

from dataclasses import dataclass

import numpy as np

from zoo.layers.token_logits import TokenLoss
from zoo.objectives import PromptTemplate
from zoo.objectives._text_generation import TextGeneration
from zoo.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Translate(TextGeneration):
    """A target for each source, by an encoder-decoder."""

    length: int = 256  # longest source, in token ids; longer ones are cut
    target_length: int = 128  # longest target, in token ids; longer ones are cut, and writing stops there
    label_smoothing: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        if not 2 <= self.target_length <= self.length:
            raise UserError(
                f"Expected target_length from 2 to length={self.length}. Received: target_length={self.target_length}."
            )

    def check_architecture(self, architecture):
        names = architecture.inputs()
        if names[0] != "source":
            raise UserError(
                "translate needs an encoder-decoder, which reads source and target. "
                f"Received: {type(architecture).__name__}, which reads {' and '.join(names)}."
            )

    def needs(self):
        return ("source", "target")

    def asks(self):
        return ("source",)

    def texts(self, record):
        return [record["source"], record["target"]]

    def accept(self, dataset, split):
        for place, record in dataset.located_records(split):
            if not record["target"].strip():
                raise UserError(f"Expected a target at {place}. Received: target={record['target']!r}.")

    def examples(self, records, tokenizer, train=True):
        sources = tokenizer.encode_batch([record["source"] for record in records], length=self.length)
        decoder_start, end = self.start_and_end(tokenizer)
        if not train:
            yield from ({"source": source.ids, "target": decoder_start} for source in sources)
            return
        texts, room = [record["target"] for record in records], max(self.target_length - len(decoder_start), 0)
        targets = tokenizer.encode_batch(texts, length=room, special=False)
        for source, target in zip(sources, targets, strict=True):
            ids = np.concatenate([decoder_start, target.ids, [end]]).astype("int32")
            yield {"source": source.ids, "target": ids[:-1], "labels": ids[1:]}

    @property
    def max_new_tokens(self):
        return self.target_length

    def prompt_ids(self, record, tokenizer):
        return next(iter(self.examples([record], tokenizer, train=False)))

    def prompt_template(self, tokenizer):
        return PromptTemplate(special_tokens=True, length=self.length, decoder_ids=tuple(self.start_and_end(tokenizer)[0].tolist()))

    def reference(self, record):
        return record.get("target")

    def scored_examples(self, records, tokenizer):
        return list(self.examples(records, tokenizer)), range(len(records))

    def loss(self):
        return TokenLoss(self.label_smoothing)
