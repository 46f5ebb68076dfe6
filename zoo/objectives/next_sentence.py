"""Tell whether one sentence follows another or was taken from elsewhere (Devlin 2018, arXiv:1810.04805, section 3.1).

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


@dataclass(frozen=True, kw_only=True)
class NextSentence(SentencePairs):
    """One logit: above 0 where the second sentence follows the first."""

    dropout: float = 0.1  # before the output layer

    def check_architecture(self, architecture):
        check_reads_tokens(architecture, "next_sentence")

    def examples(self, records, tokenizer, train=True):
        found = self.pairs(records)
        for row, (*_, follows) in zip(self._rows(found, tokenizer), found, strict=True):
            yield row | ({"follows": np.array([follows], "uint8")} if train else {})

    def _rows(self, found, tokenizer):
        for encoding in self.encode(found, tokenizer):
            yield {"tokens": encoding.ids, "segments": encoding.segments.astype("uint8")}

    def collate(self, batch, random):
        targets = batch.pop("follows").astype("float32")
        return batch, targets, batch.get("examples", np.ones(len(targets))).astype("float32")

    def head(self, architecture, backbone):
        x = Dropout(self.dropout, name="head_dropout")(pool(architecture, backbone))
        return keras.Model(backbone.input, keras.layers.Dense(1, dtype="float32", name="logits")(x))

    def loss(self):
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def metrics(self):
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]

    def predict(self, run, records, tokenizer):
        """For a record with a `text_pair` its logit; for a document {"logits", "follows"} of its pairs."""
        found = self.pairs(records)
        logits = np.array(run(list(self._rows(found, tokenizer))), "float64").reshape(-1)
        owners, follows = np.array([one[0] for one in found], int), np.array([one[3] for one in found], bool)
        return [{"logits": logits[owners == i], "follows": follows[owners == i]} for i in range(len(records))]

    def scores(self, predictions, records):
        logits = np.concatenate([one["logits"] for one in predictions] or [np.zeros(0)])
        follows = np.concatenate([one["follows"] for one in predictions] or [np.zeros(0, bool)])
        if not len(logits):
            return {"accuracy": 0.0, "loss": 0.0}
        losses = np.logaddexp(0, np.where(follows, -logits, logits))
        return {"accuracy": float(((logits >= 0) == follows).mean()), "loss": float(losses.mean())}

    def selection_key(self, scores):
        return (scores["accuracy"], -scores["loss"])
