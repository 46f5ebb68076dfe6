"""Masked language modelling: predict masked tokens of running text (Devlin 2018, BERT, arXiv:1810.04805).

As in RoBERTa (Liu 2019, arXiv:1907.11692, section 4): chunks of full length of the concatenated records, and
dynamic masking: different tokens in each epoch. The compile/fit preset is BERT's AdamW with warm-up and linear decay
(appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from zoo.data.mask_text import ALIAS, MASK, fill, mask_words, parts_to_encode, with_marks
from zoo.data.masking import Masking, mask_examples, mask_token_and_size, masked_scores, special_ids
from zoo.data.running_text import ENDING, chunk_stream, concatenate, with_special_tokens
from zoo.layers.token_logits import TokenLoss, masked_lm_head
from zoo.objectives import Fields, Objective
from zoo.objectives._requirements import check_bidirectional
from zoo.runtime.errors import UserError
from zoo.transforms.token_scoring import with_losses_and_hits


@dataclass(frozen=True, kw_only=True)
class MaskedToken(Objective):
    """Logits at the masked positions."""

    mask_rate: float = 0.15  # share of tokens that are masked
    whole_words: bool = False  # whole-word masking: all pieces of a word together
    top_k: int = 5  # guesses for each [MASK] in an answer

    monitor = "perplexity"
    dynamic = True
    graph_input = "masks"
    split_strategy = "end"  # records are running text
    per_token = ("word_ids",)
    fields = Fields(required=("text",), inputs=("text",), optional=("ending",), contains=(MASK, ALIAS))

    @property
    def masking(self) -> Masking:
        """The masking of training. Raises UserError for a rate out of its range."""
        return Masking(mask_rate=self.mask_rate, whole_words=self.whole_words)

    def tokenizer_texts(self, record):
        return [record["text"] + record.get("ending", ENDING)]

    def check_architecture(self, architecture) -> None:
        check_bidirectional(architecture, "masked_token")
        self.masking  # noqa: B018 - raises for a rate out of its range

    def examples(self, records, tokenizer, train=True):
        stream = concatenate(records, tokenizer)
        for start, end in self._windows(stream):
            words = stream.word_ids[start:end]
            yield {
                "tokens": with_special_tokens(stream.ids[start:end], tokenizer),
                "word_ids": np.concatenate([[-1], words - words[0], [-1]]).astype("int32"),
                "mask_token_and_size": mask_token_and_size(tokenizer),
            }

    def _windows(self, stream):
        return [(start, end) for start, _, end in chunk_stream(len(stream), self.length - 2)]

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), some of them masked; `mask_positions` (batch, positions) where.
        Targets: (batch, positions) ids of the tokens that were masked.
        Weights: (batch, positions), 0 at unused positions.
        """
        return self.masking.mask(batch, random)

    def head(self, architecture, backbone):
        logits, mask_positions = masked_lm_head(architecture, backbone)
        return keras.Model({**backbone.input, "mask_positions": mask_positions}, logits)

    def loss(self, model):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For a record with [MASK] the `guesses` for each mask; for others the `losses` and `hits` of masked tokens."""
        records = [record | {"text": with_marks(record["text"])} for record in records]
        templates = [record for record in records if MASK in record["text"]]
        texts = [record for record in records if MASK not in record["text"]]
        guesses, losses = self._fill_masks(run, templates, tokenizer), iter(self._score(run, texts, tokenizer))
        return [next(guesses if MASK in record["text"] else losses) for record in records]

    def _fill_masks(self, run, records, tokenizer):
        """Yield {"guesses": [{word: probability}], "best": [(text, strip)]} of each record, an item for each mask."""
        if not records:
            return
        words = mask_words(tokenizer)
        examples = [self._encode_masks(record["text"], tokenizer) for record in records]
        for example, logits in zip(examples, run(examples), strict=True):
            decision = run.decide({"logits": logits[None], "special_ids": np.array(special_ids(tokenizer), "int32")})
            count = len(example["mask_positions"])
            pairs = list(zip(*(decision[name][0, :count].tolist() for name in ("guesses", "scores")), strict=True))
            best = [(words.texts[ids[0]], words.strip[ids[0]]) for ids, _ in pairs]
            names = [[words.names[id] for id in ids] for ids, _ in pairs]
            guesses = [dict(zip(row, scores, strict=True)) for row, (_, scores) in zip(names, pairs, strict=True)]
            yield {"guesses": guesses, "best": best}

    def _encode_masks(self, text, tokenizer):
        """The example of a text with [MASK]. Raises UserError where it is longer than `length`."""
        parts = [tokenizer.encode(part, special=False).ids for part in parts_to_encode(text, tokenizer)]
        mask = mask_token_and_size(tokenizer)[:1]
        ids = np.concatenate([array for part in parts for array in (mask, part)][1:])
        tokens = with_special_tokens(ids, tokenizer)
        if len(tokens) > self.length:
            raise UserError(
                f"Expected at most {self.length} tokens around {MASK}. Received: {len(tokens)}, {text!r:.60}."
            )
        return {"tokens": tokens, "mask_positions": np.flatnonzero(tokens == tokenizer.mask).astype("int32")}

    def _score(self, run, records, tokenizer):
        """{"losses" in nats, "hits"} of the masked tokens of each record; the same tokens are masked in every call."""
        if not records:
            return []
        stream = concatenate(records, tokenizer)
        examples = list(mask_examples(self.examples(records, tokenizer), self.masking))
        record_ids, parts = [], {"losses": [], "hits": []}
        for example, output, (start, _) in zip(
            examples, run(examples, with_losses_and_hits), self._windows(stream), strict=True
        ):
            record_ids.append(stream.record_ids[start + example["mask_positions"] - 1])
            for name, part in parts.items():
                part.append(output[name][: len(example["mask_positions"])])
        record_ids, arrays = np.concatenate(record_ids), {name: np.concatenate(part) for name, part in parts.items()}
        return [{name: array[record_ids == i] for name, array in arrays.items()} for i in range(len(records))]

    def decide(self, outputs):
        """The top k tokens of each mask, highest first: `guesses`, ids, and their `scores`, (rows, masks, top_k).

        Args:
            outputs: `logits`, (rows, masks, vocabulary), and `special_ids`, ids that are never guesses.
        """
        logits = outputs["logits"]
        vocabulary = logits.shape[-1]
        special = ops.any(ops.equal(ops.arange(vocabulary)[:, None], outputs["special_ids"]), axis=1)
        probabilities = ops.where(special, -1.0, ops.softmax(logits))
        scores, tokens = ops.top_k(probabilities, min(self.top_k, vocabulary))
        return {"guesses": tokens, "scores": scores}

    @property
    def outputs(self):
        return {"guesses": None, "scores": None}

    def answer(self, decision, record) -> dict:
        """`{"text", "masks"}`: the text with the best guesses, and for each [MASK] {token: probability}."""
        return {"text": fill(with_marks(record["text"]), decision["best"]), "masks": decision["guesses"]}

    def format(self, answer) -> str:
        lines = ["  ".join(f"{token} {p:.3f}" for token, p in mask.items()) for mask in answer["masks"]]
        return f"{answer['text']}  ({' | '.join(lines)})"

    def scores(self, decisions, records):
        return masked_scores(decisions)
