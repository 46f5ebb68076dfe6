"""Guess the tokens that were hidden in running text: a masked language model (Devlin 2018, arXiv:1810.04805).

As RoBERTa does it (Liu 2019, arXiv:1907.11692, section 4): windows of full length over text that runs on across
records, other tokens hidden in every epoch. The compile/fit preset
is BERT's AdamW with warm-up and linear decay (appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from zoo.data.masking import Masking, mask_examples, mask_token_and_size, masked_scores
from zoo.data.running_text import ENDING, chunk_stream, concatenate, with_special_tokens
from zoo.layers.token_logits import TokenLoss, masked_lm_head
from zoo.objectives import Objective
from zoo.objectives._requirements import check_sees_both_sides
from zoo.runtime.errors import UserError
from zoo.transforms.token_scoring import with_losses_and_hits

MASK = "[MASK]"  # what a person writes where a word is to be guessed


@dataclass(frozen=True, kw_only=True)
class MaskedToken(Objective):
    """Logits at the hidden places."""

    mask_rate: float = 0.15  # of tokens that are hidden
    whole_words: bool = False  # all pieces of a word are hidden together
    top_k: int = 5  # for each [MASK] in an answer

    monitor = "perplexity"
    dynamic = True
    graph_input = "masks"
    split_strategy = "end"  # records go on from one to the next
    per_token = ("word_ids",)

    @property
    def masking(self):
        return Masking(rate=self.mask_rate, whole_words=self.whole_words)

    def check_architecture(self, architecture):
        check_sees_both_sides(architecture, "masked_token")
        self.masking  # noqa: B018 - raises for a rate out of its range

    def needs(self):
        return ("text",)

    def asks(self):
        return ("text",)

    def record(self, text):
        record = super().record(text)
        if MASK not in record["text"]:
            raise UserError(f"Expected {MASK} where a word is to be guessed. Received: {record['text']!r:.80}.")
        return record

    def texts(self, record):
        return [record["text"] + record.get("ending", ENDING)]

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
        return self.masking.mask(batch, random)

    def head(self, architecture, backbone):
        logits, places = masked_lm_head(architecture, backbone)
        return keras.Model({**backbone.input, "mask_positions": places}, logits)

    def loss(self):
        return TokenLoss()

    def predict(self, run, records, tokenizer):
        """For a record with [MASK] the best guesses for each; for others the losses in nats of tokens hidden there."""
        asked = [MASK in record["text"] for record in records]
        guessed = iter(self._guess(run, [r for r, ask in zip(records, asked, strict=True) if ask], tokenizer))
        scored = iter(self._score(run, [r for r, ask in zip(records, asked, strict=True) if not ask], tokenizer))
        return [next(guessed if ask else scored) for ask in asked]

    def _guess(self, run, records, tokenizer):
        rows = [self._question(record["text"], tokenizer) for record in records]
        for row, logits in zip(rows, run(rows), strict=True):
            yield {"guesses": [self._best(one, tokenizer) for one in logits[: len(row["mask_positions"])].astype("float64")]}

    def _best(self, logits, tokenizer):
        """{token: probability} of the likeliest tokens, falling; tokens such as [SEP] and [UNK] are no guesses."""
        logits[no_guesses(tokenizer)] = -np.inf
        chances = np.exp(logits - logits.max())
        best = np.argsort(-logits, kind="stable")[: self.top_k]
        return {tokenizer.token(i): float(chances[i] / chances.sum()) for i in best}

    def _question(self, text, tokenizer):
        parts = [tokenizer.encode(part, special=False).ids for part in text.split(MASK)]
        mask = mask_token_and_size(tokenizer)[:1]
        ids = np.concatenate([array for part in parts for array in (mask, part)][1:])
        tokens = with_special_tokens(ids, tokenizer)
        if len(tokens) > self.length:
            raise UserError(
                f"Expected at most {self.length} tokens around {MASK}. Received: {len(tokens)}, {text!r:.60}."
            )
        return {"tokens": tokens, "mask_positions": np.flatnonzero(tokens == tokenizer.mask).astype("int32")}

    def _score(self, run, records, tokenizer):
        if not records:
            return []
        stream = concatenate(records, tokenizer)
        rows = list(mask_examples(self.examples(records, tokenizer), self.masking))
        found, record_ids = run(rows, with_losses_and_hits), []
        parts = {"losses": [], "hits": []}
        for row, one, (start, _) in zip(rows, found, self._windows(stream), strict=True):
            record_ids.append(stream.record_ids[start + row["mask_positions"] - 1])
            for name, part in parts.items():
                part.append(one[name][: len(row["mask_positions"])])
        record_ids, parts = _joined(record_ids), {name: _joined(part) for name, part in parts.items()}
        return [{name: part[record_ids == i] for name, part in parts.items()} for i in range(len(records))]

    def answer(self, prediction, record):
        """`{"text", "masks"}`: the text with the best guesses, and for each [MASK] its guesses with probabilities."""
        best = [next(iter(top_k)) for top_k in prediction["guesses"]]
        text = "".join(a + b for a, b in zip(record["text"].split(MASK), [*best, ""], strict=True))
        return {"text": text, "masks": prediction["guesses"]}

    def format(self, answer):
        lines = ["  ".join(f"{token} {p:.3f}" for token, p in top_k.items()) for top_k in answer["masks"]]
        return f"{answer['text']}  ({' | '.join(lines)})"

    def serve(self, outputs):
        """`top_k`, ids of the likeliest tokens for each mask, falling, and their `scores`: (rows, masks, guesses).

        Given are logits, (rows, masks, vocabulary), and ids that are no guesses.
        """
        logits, never = outputs
        mask = np.zeros(logits.shape[-1], "float32")
        mask[never] = -np.inf
        scores, top_k = ops.top_k(ops.softmax(logits + mask), min(self.top_k, len(mask)))
        return {"guesses": top_k, "scores": scores}

    def scores(self, predictions, records):
        return masked_scores(predictions)

    def selection_key(self, scores):
        return (-scores["loss"],)


def no_guesses(tokenizer):
    """Ids of tokens such as [SEP] and [UNK]."""
    names = (tokenizer.pad, tokenizer.unknown, tokenizer.start, tokenizer.end, tokenizer.mask)
    return [i for i in names if i is not None]


def _joined(arrays):
    return np.concatenate(arrays) if arrays else np.zeros(0)
