"""Sequence to sequence: a target text for a source text, such as a translation or a summary.

Trained with teacher forcing (Sutskever et al. 2014, https://arxiv.org/abs/1409.3215) by cross-entropy with label
smoothing, Vaswani et al. 2017, section 5.4, https://arxiv.org/abs/1706.03762. One tokenizer is trained on both texts.
Generated texts, of which BLEU and the like are computed, are decoded greedily.
"""

from dataclasses import dataclass

import numpy as np

from zoo.layers.token_logits import TokenLoss
from zoo.objectives import Fields, PromptTemplate
from zoo.objectives._requirements import check_reads_source
from zoo.objectives._text_generation import TextGeneration
from zoo.runtime.errors import RowError, UserError


@dataclass(frozen=True, kw_only=True)
class Translate(TextGeneration):
    """A target for each source, by an encoder-decoder."""

    length: int = 256  # longest source, in token ids; longer ones are truncated
    target_length: int = 128  # longest target, in token ids; longer ones are truncated, and generation stops there
    label_smoothing: float = 0.1

    fields = Fields(required=("source", "target"), inputs=("source",), texts=("source", "target"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.target_length <= self.length:
            raise UserError(
                f"Expected target_length from 2 to length={self.length}. Received: target_length={self.target_length}."
            )

    @property
    def max_new_tokens(self) -> int:
        return self.target_length

    def check_architecture(self, architecture) -> None:
        check_reads_source(architecture, "translate")

    def check_record(self, location, record) -> None:
        if not record["target"].strip():
            message = f"Expected a target at {location}. Received: target={record['target']!r}."
            raise RowError(message, "an empty target")

    def examples(self, records, tokenizer, train=True):
        sources = tokenizer.encode_batch([record["source"] for record in records], length=self.length)
        start, end = self.start_and_end(tokenizer)
        if not train:
            yield from ({"source": source.ids, "target": start} for source in sources)
            return
        texts, room = [record["target"] for record in records], max(self.target_length - len(start), 0)
        targets = tokenizer.encode_batch(texts, length=room, special=False)
        for source, target in zip(sources, targets, strict=True):
            ids = np.concatenate([start, target.ids, [end]]).astype("int32")
            yield {"source": source.ids, "target": ids[:-1], "labels": ids[1:]}

    def prompt_ids(self, record, tokenizer):
        return next(iter(self.examples([record], tokenizer, train=False)))

    def prompt_template(self, tokenizer) -> PromptTemplate:
        start = tuple(self.start_and_end(tokenizer)[0].tolist())
        return PromptTemplate(special_tokens=True, length=self.length, decoder_ids=start)

    def reference(self, record):
        return record.get("target")

    def scored_examples(self, records, tokenizer):
        return list(self.examples(records, tokenizer)), range(len(records))

    def loss(self, model):
        return TokenLoss(self.label_smoothing)
