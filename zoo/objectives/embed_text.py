"""Turn a text into a vector that is near those of texts which mean the same, whatever their words.

Reimers & Gurevych 2019, Sentence-BERT, https://arxiv.org/abs/1908.10084. Learned from pairs: of all texts in a batch,
each one's partner is to be the nearest (Chen et al. 2020, https://arxiv.org/abs/2002.05709, equation 1).
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops
from keras.layers import UnitNormalization

from zoo.layers.pooling import pool
from zoo.metrics.retrieval import retrieval_scores
from zoo.objectives import Objective
from zoo.objectives._requirements import check_reads_tokens


@dataclass(frozen=True, kw_only=True)
class EmbedText(Objective):
    """A vector of length 1: the product of two is the cosine of the angle between them."""

    pooling: str | None = None  # max, mean, first, last or attention; None: what suits the architecture
    temperature: float = 0.05  # by which cosines are divided in the loss (Gao 2021, SimCSE, arXiv:2104.08821)

    packable = False  # texts are compared across a batch

    def check_architecture(self, architecture):
        check_reads_tokens(architecture, "embed_text")

    def needs(self):
        return ("text", "text_pair")

    def asks(self):
        return ("text",)

    def texts(self, record):
        return [record["text"], record["text_pair"]]

    def examples(self, records, tokenizer, train=True):
        """A text's ids; while training those of a pair, one behind the other, each with half of the length."""
        length = self.length // 2 if train else self.length
        texts = tokenizer.encode_batch([record["text"] for record in records], length=length)
        if not train:
            yield from ({"tokens": text.ids} for text in texts)
            return
        partners = tokenizer.encode_batch([record["text_pair"] for record in records], length=length)
        for text, partner in zip(texts, partners, strict=True):
            ends = np.array([len(text), len(text) + len(partner), tokenizer.padding], "int32")
            yield {"tokens": np.concatenate([text.ids, partner.ids]), "ends": ends}

    def collate(self, batch, random):
        """First all texts of the pairs, then all partners; each one's target is the row of the other."""
        tokens, (middles, ends, paddings) = batch.pop("tokens"), batch.pop("ends").T
        texts = np.concatenate([_cut(tokens, 0 * middles, middles, paddings), _cut(tokens, middles, ends, paddings)])
        rows = len(tokens)
        others = {name: np.zeros_like(texts) for name in batch}  # token types
        return {"tokens": texts, **others}, np.roll(np.arange(2 * rows), rows), np.ones(2 * rows, "float32")

    def head(self, architecture, backbone):
        x = pool(architecture, backbone, self.pooling)
        return keras.Model(backbone.input, UnitNormalization(dtype="float32", name="vector")(x))

    def loss(self):
        return InBatchContrastiveLoss(self.temperature)

    def predict(self, run, records, tokenizer):
        """The vector of a text; of a pair (2, width), that of its partner too."""
        partners = [{"text": record["text_pair"]} for record in records if "text_pair" in record]
        rows = self.examples([*records, *partners], tokenizer, train=False)
        found = run(list(rows))
        rest = iter(found[len(records) :])
        pairs = zip(records, found, strict=False)
        return [np.stack([one, next(rest)]) if "text_pair" in record else one for record, one in pairs]

    def answer(self, prediction, record):
        """`{"vector": [...]}`, and of a pair also their `similarity`, from -1 to 1."""
        if prediction.ndim == 1:
            return {"vector": prediction.tolist()}
        return {"vector": prediction[0].tolist(), "similarity": float(prediction[0] @ prediction[1])}

    def format(self, answer):
        shown = " ".join(f"{value:.3f}" for value in answer["vector"][:4])
        return f"[{shown} ...] {len(answer['vector'])} numbers"

    def serve(self, outputs):
        """`vector`."""
        return {"vector": outputs}

    def scores(self, predictions, records):
        pairs = np.array(predictions, "float32").reshape(len(predictions), 2, -1)
        return retrieval_scores(pairs[:, 0], pairs[:, 1])

    def selection_key(self, scores):
        return (scores["accuracy"], scores["mrr"])


class InBatchContrastiveLoss(keras.losses.Loss):
    """Cross-entropy in nats of each row's partner among all other rows, by the products of their vectors.

    `y_true` (rows,) is the partner's row, `y_pred` (rows, width) are vectors of length 1.
    """

    def __init__(self, temperature=0.05, **kwargs):
        super().__init__(**kwargs)
        self.temperature = temperature

    def call(self, y_true, y_pred):
        near = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        near = near - 1e9 * ops.eye(ops.shape(y_pred)[0], dtype=near.dtype)  # a text is not its own partner
        partners = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        return ops.sparse_categorical_crossentropy(partners, near, from_logits=True)


def _cut(tokens, starts, ends, paddings):
    """From each row what stands from its start to its end, moved to the front of a row as wide."""
    places = starts[:, None] + np.arange(tokens.shape[1])
    found = np.take_along_axis(tokens, np.minimum(places, tokens.shape[1] - 1), axis=1)
    return np.where(places < ends[:, None], found, paddings[:, None])
