"""Next-sentence prediction: whether a sentence follows another (Devlin 2018, arXiv:1810.04805, section 3.1).

Records are documents; their neighbouring sentences make the pairs. The compile/fit preset is BERT's AdamW with warm-up
and linear decay (appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.layers.dropout import Dropout
from zoo.layers.pooling import pool
from zoo.objectives._requirements import check_reads_tokens
from zoo.objectives._sentence_pairs import SentencePairs

KEYS = ("follows", "probability", "logit", "truth")  # of a record's decision


@dataclass(frozen=True, kw_only=True)
class NextSentence(SentencePairs):
    """One logit: above 0 where the second sentence follows the first."""

    dropout: float = 0.1  # before the output layer

    def check_architecture(self, architecture) -> None:
        check_reads_tokens(architecture, "next_sentence")

    def examples(self, records, tokenizer, train=True):
        pairs = self.pairs(records)
        for example, pair in zip(self._examples(pairs, tokenizer), pairs, strict=True):
            yield example | ({"follows": np.array([pair.follows], "uint8")} if train else {})

    def _examples(self, pairs, tokenizer):
        for encoding in self.encode(pairs, tokenizer):
            yield {"tokens": encoding.ids, "segments": encoding.segments.astype("uint8")}

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), both sentences.
        Targets: (batch, 1) or (batch,), 1 where the second sentence follows the first, else 0.
        Weights: (batch,) of each pair; none counts each once.
        """
        targets = batch.pop("follows").astype("float32")
        return batch, targets, batch.get("example_mask", np.ones(len(targets))).astype("float32")

    def head(self, architecture, backbone):
        x = Dropout(self.dropout, name="head_dropout")(pool(architecture, backbone))
        return keras.Model(backbone.input, keras.layers.Dense(1, dtype="float32", name="logits")(x))

    def loss(self, model):
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def predict(self, run, records, tokenizer):
        """For each record the decisions of its pairs, {name: (pairs,)}, and `truth`, whether they follow."""
        pairs = self.pairs(records)
        decisions = run.decisions(list(self._examples(pairs, tokenizer)))
        by_record = [[] for _ in records]
        for pair, decision in zip(pairs, decisions, strict=True):
            by_record[pair.record].append(decision | {"truth": pair.follows})
        return [{key: np.array([pair[key] for pair in group]) for key in KEYS} for group in by_record]

    def scores(self, decisions, records):
        logits = np.concatenate([decision["logit"] for decision in decisions] or [np.zeros(0)]).astype("float64")
        truth = np.concatenate([decision["truth"] for decision in decisions] or [np.zeros(0)]).astype(bool)
        if not len(logits):
            return {"accuracy": 0.0, "loss": 0.0}
        losses = np.logaddexp(0, np.where(truth, -logits, logits))
        return {"accuracy": float(((logits >= 0) == truth).mean()), "loss": float(losses.mean())}
