"""The base class of next-sentence prediction objectives (Devlin 2018, arXiv:1810.04805, section 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keras import ops

from zoo.data.sentences import pairs, split_sentences
from zoo.objectives import Fields, Objective
from zoo.text.template import Encoding
from zoo.text.tokenizer import Tokenizer


class SentencePair(NamedTuple):
    """Two texts, and whether the second follows the first."""

    record: int  # index of the record
    first: str
    second: str
    follows: bool


@dataclass(frozen=True, kw_only=True)
class SentencePairs(Objective):
    """Records are documents, whose neighbouring sentences make the pairs, or pairs of texts, with `text_pair`."""

    fields = Fields(required=("text",), inputs=("text", "text_pair"), texts=("text",), optional=("text_pair",))

    def pairs(self, records: Sequence[dict]) -> list[SentencePair]:
        """The records that are pairs of texts, then the sentence pairs of documents."""
        text_pairs = [(i, r["text"], r["text_pair"], True) for i, r in enumerate(records) if "text_pair" in r]
        documents = pairs([[] if "text_pair" in r else split_sentences(r["text"]) for r in records])
        return [SentencePair(*pair) for pair in (*text_pairs, *documents)]

    def encode(self, sentence_pairs: Sequence[SentencePair], tokenizer: Tokenizer) -> list[Encoding]:
        """The `Encoding` of each pair."""
        firsts, seconds = [pair.first for pair in sentence_pairs], [pair.second for pair in sentence_pairs]
        return tokenizer.encode_batch(firsts, seconds, length=self.length)

    def decide(self, outputs):
        """From (rows, 1) logits: whether the second text `follows` the first, its `probability` and its `logit`."""
        logit = outputs[:, 0]
        probability = ops.sigmoid(logit)
        return {"follows": probability >= 0.5, "probability": probability, "logit": logit}

    @property
    def outputs(self):
        return {"follows": None, "probability": None}

    def answer(self, decision, record) -> dict:
        """`{"follows", "probability"}`: whether the second text follows the first, and how likely that is."""
        return {"follows": bool(decision["follows"][0]), "probability": float(decision["probability"][0])}

    def format(self, answer) -> str:
        return f"{'follows' if answer['follows'] else 'does not follow'} {answer['probability']:.3f}"
