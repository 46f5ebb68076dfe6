"""Sentence embeddings: a vector for each text, with a high cosine similarity for texts of the same meaning.

Reimers & Gurevych 2019, Sentence-BERT, https://arxiv.org/abs/1908.10084. Trained on pairs with in-batch negatives: a
text's partner should be the nearest of all texts in a batch (Chen et al. 2020, https://arxiv.org/abs/2002.05709,
equation 1).
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras.layers import UnitNormalization

from zoo.layers.contrastive_loss import InBatchContrastiveLoss
from zoo.layers.pooling import pool
from zoo.metrics.retrieval import retrieval_scores
from zoo.objectives import Fields, Objective
from zoo.objectives._requirements import check_reads_tokens

VECTOR = "vector"  # name of the layer that divides a vector by its length


@dataclass(frozen=True, kw_only=True)
class EmbedText(Objective):
    """A unit vector for each text; the dot product of two is their cosine similarity."""

    pooling: str | None = None  # max, mean, first, last or attention; None: the architecture's own
    prompt: str = ""  # before every text, such as "query: "
    temperature: float = 0.05  # cosines are divided by it in the loss (Gao 2021, SimCSE, arXiv:2104.08821)

    packable = False  # texts are compared across a batch
    proportions = ("accuracy",)
    fields = Fields(required=("text", "text_pair"), inputs=("text",), texts=("text", "text_pair"))

    def check_architecture(self, architecture) -> None:
        check_reads_tokens(architecture, "embed_text")

    def examples(self, records, tokenizer, train=True):
        """A text's ids; with `train` the ids of both texts of a pair, concatenated, each of up to half the length."""
        length = self.length // 2 if train else self.length
        texts = tokenizer.encode_batch([self.prompt + record["text"] for record in records], length=length)
        if not train:
            yield from ({"tokens": text.ids} for text in texts)
            return
        partners = tokenizer.encode_batch([self.prompt + record["text_pair"] for record in records], length=length)
        for text, partner in zip(texts, partners, strict=True):
            ends = np.array([len(text), len(text) + len(partner), tokenizer.padding], "int32")
            yield {"tokens": np.concatenate([text.ids, partner.ids]), "ends": ends}

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), all first texts of the pairs, then all partners.
        Targets: (batch,) the row of each text's partner; the other rows are its negatives.
        Weights: (batch,) of each text; none counts each once.
        """
        tokens, (middles, ends, paddings) = batch.pop("tokens"), batch.pop("ends").T
        texts = np.concatenate([_cut(tokens, 0 * middles, middles, paddings), _cut(tokens, middles, ends, paddings)])
        rows = len(tokens)
        segments = {name: np.zeros_like(texts) for name in batch}  # empty for a network without segments
        return {"tokens": texts, **segments}, np.roll(np.arange(2 * rows), rows), np.ones(2 * rows, "float32")

    def head(self, architecture, backbone):
        x = pool(architecture, backbone, self.pooling)
        return keras.Model(backbone.input, UnitNormalization(dtype="float32", name=VECTOR)(x))

    def loss(self, model):
        return InBatchContrastiveLoss(self.temperature)

    def predict(self, run, records, tokenizer):
        """{"vector"} of each text; of a pair also {"partner"}, the vector of its second text."""
        pairs = [record for record in records if "text_pair" in record]
        texts = [*records, *({"text": record["text_pair"]} for record in pairs)]
        decisions = run.decisions(list(self.examples(texts, tokenizer, train=False)))
        partners = iter(decisions[len(records) :])
        return [
            decision | ({"partner": next(partners)["vector"]} if "text_pair" in record else {})
            for record, decision in zip(records, decisions, strict=False)
        ]

    def decide(self, outputs):
        """`vector`, (rows, width)."""
        return {"vector": outputs}

    @property
    def outputs(self):
        return {"vector": None}

    def answer(self, decision, record) -> dict:
        """`{"vector": [...]}`, and of a pair also their `similarity`, from -1 to 1."""
        answer = {"vector": decision["vector"].tolist()}
        if "partner" in decision:
            answer["similarity"] = float(decision["vector"] @ decision["partner"])
        return answer

    def format(self, answer) -> str:
        numbers = " ".join(f"{value:.3f}" for value in answer["vector"][:4])
        return f"[{numbers} ...] {len(answer['vector'])} numbers"

    def scores(self, decisions, records):
        vectors, partners = (
            np.array([decision[key] for decision in decisions], "float32").reshape(len(decisions), -1)
            for key in ("vector", "partner")
        )
        return retrieval_scores(vectors, partners)

    def selection_key(self, scores):
        return (scores["accuracy"], scores["mrr"])


def _cut(tokens, starts, ends, paddings):
    """The tokens of each row from its start to its end, shifted to the front of a padded row of the same width."""
    positions = starts[:, None] + np.arange(tokens.shape[1])
    shifted = np.take_along_axis(tokens, np.minimum(positions, tokens.shape[1] - 1), axis=1)
    return np.where(positions < ends[:, None], shifted, paddings[:, None])
