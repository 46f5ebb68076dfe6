"""BERT's own training: hidden tokens and next sentences at once (Devlin 2018, arXiv:1810.04805, section 3.1).

Records are documents; their neighbouring sentences make the pairs, in which tokens are hidden anew in each epoch. The
compile/fit preset is BERT's AdamW with warm-up and linear decay (appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data.masking import Masking, mask_examples, mask_token_and_size, masked_scores, word_ids
from zoo.layers.pooling import pool
from zoo.layers.token_logits import TokenLoss, masked_lm_head
from zoo.objectives._requirements import check_sees_both_sides
from zoo.objectives._sentence_pairs import SentencePairs
from zoo.transforms.token_scoring import with_losses_and_hits


@dataclass(frozen=True, kw_only=True)
class Pretrain(SentencePairs):
    """Two outputs: `tokens`, logits at hidden places, and `follows`, a logit for the pair."""

    mask_rate: float = 0.15  # of tokens that are hidden
    whole_words: bool = False  # all pieces of a word are hidden together

    monitor = "perplexity"
    dynamic = True
    per_token = ("word_ids",)

    @property
    def masking(self):
        return Masking(rate=self.mask_rate, whole_words=self.whole_words)

    def check_architecture(self, architecture):
        check_sees_both_sides(architecture, "pretrain")
        self.masking  # noqa: B018 - raises for a rate out of its range

    def examples(self, records, tokenizer, train=True):
        return self._rows(self.pairs(records), tokenizer)

    def _rows(self, found, tokenizer):
        for encoding, (*_, follow) in zip(self.encode(found, tokenizer), found, strict=True):
            yield {
                "tokens": encoding.ids,
                "segments": encoding.segments.astype("uint8"),
                "word_ids": word_ids(encoding),
                "mask_token_and_size": mask_token_and_size(tokenizer),
                "follows": np.array([follow], "uint8"),
            }

    def collate(self, batch, random):
        follows = batch.pop("follows").astype("float32")
        there = batch.get("examples", np.ones(len(follows))).astype("float32")
        inputs, right, weights = self.masking.mask(batch, random)
        return inputs, {"tokens": right, "follows": follows}, {"tokens": weights, "follows": there}

    def head(self, architecture, backbone):
        logits, places = masked_lm_head(architecture, backbone)
        follows = keras.layers.Dense(1, dtype="float32", name="follows")(pool(architecture, backbone))
        return keras.Model({**backbone.input, "mask_positions": places}, {"tokens": logits, "follows": follows})

    def loss(self):
        return {"tokens": TokenLoss(), "follows": keras.losses.BinaryCrossentropy(from_logits=True)}

    def metrics(self):
        return {"tokens": [], "follows": [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]}

    def predict(self, run, records, tokenizer):
        """For each record {"losses", "hits", "logits", "follows"} of what was hidden in its pairs, and of these.

        In a pair that is asked about nothing is hidden.
        """
        found, asked = self.pairs(records), sum("text_pair" in record for record in records)
        rows = list(self._rows(found, tokenizer))
        rows = [*map(_open, rows[:asked]), *mask_examples(rows[asked:], self.masking)]
        each = [[] for _ in records]
        for (number, *_, follow), row, one in zip(found, rows, run(rows, _scored), strict=True):
            count = len(row["mask_positions"])
            seen = {"losses": one["losses"][:count], "hits": one["hits"][:count]}
            each[number].append(seen | {"logits": one["follows"], "follows": np.array([follow])})
        return [{key: _joined([one[key] for one in some]) for key in KEYS} for some in each]

    def served(self, model):
        """What tells whether texts follow: nothing is hidden in them."""
        return keras.Model({name: x for name, x in model.input.items() if name != "mask_positions"}, model.output["follows"])

    def scores(self, predictions, records):
        """Loss, perplexity and accuracy at the hidden tokens, and `accuracy_follows` of the pairs."""
        right = [(one["logits"] >= 0) == one["follows"].astype(bool) for one in predictions]
        share = np.concatenate(right or [np.zeros(0)])
        return masked_scores(predictions) | {"accuracy_follows": float(share.mean()) if len(share) else 0.0}

    def selection_key(self, scores):
        return (-scores["loss"],)


KEYS = ("losses", "hits", "logits", "follows")


def _open(row):
    """As `mask_examples` gives a row, with nothing hidden."""
    none = np.zeros(0, "int32")
    return {"tokens": row["tokens"], "segments": row["segments"], "mask_positions": none, "labels": none}


def _scored(model):
    scored = with_losses_and_hits(model, "tokens")
    return keras.Model(scored.input, {**scored.output, "follows": model.output["follows"]})


def _joined(arrays):
    return np.concatenate(arrays) if arrays else np.zeros(0)
