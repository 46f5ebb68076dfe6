"""Tell whether one sentence follows another or was taken from elsewhere (Devlin 2018, arXiv:1810.04805, section 3.1).

Records are documents; their neighbouring sentences make the pairs. The compile/fit preset is BERT's AdamW with warm-up
and linear decay (appendix A.2).
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.layers.embedding import Visible
from zoo.layers.pooling import Pooling
from zoo.objective import Objective
from zoo.sentences import pairs, split_sentences


@dataclass(frozen=True, kw_only=True)
class NextSentence(Objective):
    """One logit: above 0 where the second sentence follows the first."""

    dropout: float = 0.1  # before the output layer

    def check(self, architecture):
        inputs = architecture.inputs()
        if inputs[0] != "tokens":
            raise ValueError(
                f"next_sentence needs an architecture that reads one sequence of tokens. Received: "
                f"{type(architecture).__name__}, which reads {' and '.join(inputs)}."
            )

    def needs(self):
        return ("text",)

    def asks(self):
        return ("text", "text_pair")

    def texts(self, record):
        return [record["text"]]

    def examples(self, records, tokenizer, train=True):
        found = list(pairs([split_sentences(record["text"]) for record in records]))
        for row, (*_, follows) in zip(self._rows(found, tokenizer), found, strict=True):
            yield row | ({"follows": np.array([follows], "uint8")} if train else {})

    def _rows(self, found, tokenizer):
        _, firsts, seconds, _ = zip(*found, strict=True) if found else [()] * 4
        for encoding in tokenizer.encode_batch(list(firsts), list(seconds), length=self.length):
            yield {"tokens": encoding.ids, "types": encoding.segments.astype("uint8")}

    def arrange(self, batch, random):
        targets = batch.pop("follows").astype("float32")
        return batch, targets, batch.get("examples", np.ones(len(targets))).astype("float32")

    def head(self, architecture, trunk):
        x = trunk.output
        if architecture.pooling is not None:
            visible = Visible(architecture.padding, name="pooled")(trunk.input["tokens"])
            x = Pooling(architecture.pooling, name="pooling")(x, visible)
        x = keras.layers.Dropout(self.dropout, name="head_dropout")(x)
        return keras.Model(trunk.input, keras.layers.Dense(1, dtype="float32", name="logits")(x))

    def loss(self):
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def metrics(self):
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]

    def predict(self, run, records, tokenizer):
        """For a record with a `text_pair` its logit; for a document {"logits", "follows"} of its pairs."""
        asked = [(i, r["text"], r["text_pair"], True) for i, r in enumerate(records) if "text_pair" in r]
        documents = [[] if "text_pair" in record else split_sentences(record["text"]) for record in records]
        found = asked + list(pairs(documents))
        logits = np.array(run(list(self._rows(found, tokenizer))), "float64").reshape(-1)
        owners, follows = np.array([one[0] for one in found], int), np.array([one[3] for one in found], bool)
        return [{"logits": logits[owners == i], "follows": follows[owners == i]} for i in range(len(records))]

    def answer(self, prediction, record):
        """`{"follows", "probability"}`: whether the second text follows the first, and how likely that is."""
        probability = float(1 / (1 + np.exp(-prediction["logits"][0])))
        return {"follows": probability >= 0.5, "probability": probability}

    def read(self, answer):
        return f"{'follows' if answer['follows'] else 'does not follow'} {answer['probability']:.3f}"

    def serve(self, outputs):
        """`probability` that the second text follows the first, and whether it `follows`."""
        probability = keras.ops.sigmoid(outputs[:, 0])
        return {"follows": probability >= 0.5, "probability": probability}

    def scores(self, predictions, records):
        logits = np.concatenate([one["logits"] for one in predictions] or [np.zeros(0)])
        follows = np.concatenate([one["follows"] for one in predictions] or [np.zeros(0, bool)])
        if not len(logits):
            return {"accuracy": 0.0, "loss": 0.0}
        losses = np.logaddexp(0, np.where(follows, -logits, logits))
        return {"accuracy": float(((logits >= 0) == follows).mean()), "loss": float(losses.mean())}

    def rank(self, scores):
        return (scores["accuracy"], -scores["loss"])
