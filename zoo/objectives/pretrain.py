"""BERT pretraining: masked LM and next-sentence prediction (Devlin 2018, arXiv:1810.04805, section 3.1).

Records are documents; their neighbouring sentences make the pairs, in which different tokens are masked in each epoch.
The compile/fit preset is BERT's AdamW with warm-up and linear decay (appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data.masking import Masking, mask_examples, mask_token_and_size, masked_scores, word_ids
from zoo.layers.pooling import pool
from zoo.layers.token_logits import TokenLoss, masked_lm_head
from zoo.objectives._requirements import check_bidirectional
from zoo.objectives._sentence_pairs import SentencePairs
from zoo.transforms.token_scoring import with_losses_and_hits

KEYS = ("follows", "probability", "logit", "truth", "losses", "hits")  # of a record's decision


@dataclass(frozen=True, kw_only=True)
class Pretrain(SentencePairs):
    """Two outputs: `tokens`, logits at masked positions, and `follows`, a logit for the pair."""

    mask_rate: float = 0.15  # share of tokens that are masked
    whole_words: bool = False  # whole-word masking: all pieces of a word together

    monitor = "perplexity"
    dynamic = True
    per_token = ("word_ids",)

    @property
    def masking(self) -> Masking:
        """The masking of training. Raises UserError for a rate out of its range."""
        return Masking(mask_rate=self.mask_rate, whole_words=self.whole_words)

    def check_architecture(self, architecture) -> None:
        check_bidirectional(architecture, "pretrain")
        self.masking  # noqa: B018 - raises for a rate out of its range

    def examples(self, records, tokenizer, train=True):
        return self._examples(self.pairs(records), tokenizer)

    def _examples(self, pairs, tokenizer):
        for encoding, pair in zip(self.encode(pairs, tokenizer), pairs, strict=True):
            yield {
                "tokens": encoding.ids,
                "segments": encoding.segments.astype("uint8"),
                "word_ids": word_ids(encoding),
                "mask_token_and_size": mask_token_and_size(tokenizer),
                "follows": np.array([pair.follows], "uint8"),
            }

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), two sentences, partly masked; `mask_positions` (batch, positions) where.
        Targets: `tokens` (batch, positions) ids of the tokens that were masked; `follows` (batch, 1), 1 where the
            second sentence follows the first, else 0.
        Weights: `tokens` (batch, positions), 0 at unused positions; `follows` (batch,) of each pair.
        """
        follows = batch.pop("follows").astype("float32")
        counts = batch.get("example_mask", np.ones(len(follows))).astype("float32")
        inputs, labels, weights = self.masking.mask(batch, random)
        return inputs, {"tokens": labels, "follows": follows}, {"tokens": weights, "follows": counts}

    def head(self, architecture, backbone):
        logits, mask_positions = masked_lm_head(architecture, backbone)
        follows = keras.layers.Dense(1, dtype="float32", name="follows")(pool(architecture, backbone))
        inputs = {**backbone.input, "mask_positions": mask_positions}
        return keras.Model(inputs, {"tokens": logits, "follows": follows})

    def loss(self, model):
        return {"tokens": TokenLoss(), "follows": keras.losses.BinaryCrossentropy(from_logits=True)}

    def predict(self, run, records, tokenizer):
        """For each record the decisions of its pairs, their `truth`, and `losses` and `hits` of masked tokens.

        No token of a record with `text_pair` is masked.
        """
        pairs, unmasked = self.pairs(records), sum("text_pair" in record for record in records)
        examples = list(self._examples(pairs, tokenizer))
        examples = [*map(_without_mask, examples[:unmasked]), *mask_examples(examples[unmasked:], self.masking)]
        outputs = run(examples, _with_losses)
        decisions = run.decide_rows([{"follows": output["follows"]} for output in outputs])
        by_record = [[] for _ in records]
        for pair, example, output, decision in zip(pairs, examples, outputs, decisions, strict=True):
            count = len(example["mask_positions"])
            losses = {name: output[name][:count] for name in ("losses", "hits")}
            decision = {name: array[None] for name, array in decision.items()} | {"truth": np.array([pair.follows])}
            by_record[pair.record].append(decision | losses)
        return [{key: _concatenate([part[key] for part in group]) for key in KEYS} for group in by_record]

    def decide(self, outputs):
        return super().decide(outputs["follows"])

    def scores(self, decisions, records):
        """Loss, perplexity and accuracy at the masked tokens, and `accuracy_follows` of the pairs."""
        correct = _concatenate([(pairs["logit"] >= 0) == pairs["truth"].astype(bool) for pairs in decisions])
        return masked_scores(decisions) | {"accuracy_follows": float(correct.mean()) if len(correct) else 0.0}


def _without_mask(example):
    """An example as `mask_examples` yields it, with no masked token."""
    empty = np.zeros(0, "int32")
    return {"tokens": example["tokens"], "segments": example["segments"], "mask_positions": empty, "labels": empty}


def _with_losses(model):
    scored = with_losses_and_hits(model, "tokens")
    return keras.Model(scored.input, {**scored.output, "follows": model.output["follows"]})


def _concatenate(arrays):
    return np.concatenate(arrays) if arrays else np.zeros(0)
