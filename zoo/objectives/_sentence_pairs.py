"""What objectives share that ask whether one text follows another (Devlin 2018, arXiv:1810.04805, section 3.1)."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo.data.sentences import pairs, split_sentences
from zoo.objectives import Objective


@dataclass(frozen=True, kw_only=True)
class SentencePairs(Objective):
    """Records are documents, of whose sentences pairs are made, or hold a `text_pair` to ask about."""

    @abstractmethod
    def predict(self, run, records, tokenizer):
        """For each record a dict with at least the `logits` of its pairs and whether the second `follows`."""

    def needs(self):
        return ("text",)

    def asks(self):
        return ("text", "text_pair")

    def texts(self, record):
        return [record["text"]]

    def pairs(self, records):
        """A list of (number of the record, first text, second text, whether it follows), what is asked for first."""
        asked = [(i, r["text"], r["text_pair"], True) for i, r in enumerate(records) if "text_pair" in r]
        return asked + list(pairs([[] if "text_pair" in r else split_sentences(r["text"]) for r in records]))

    def encode(self, found, tokenizer):
        """The `Encoding` of each of `pairs`."""
        return tokenizer.encode_batch([one[1] for one in found], [one[2] for one in found], length=self.length)

    def answer(self, prediction, record):
        """`{"follows", "probability"}`: whether the second text follows the first, and how likely that is."""
        probability = float(1 / (1 + np.exp(-prediction["logits"][0])))
        return {"follows": probability >= 0.5, "probability": probability}

    def format(self, answer):
        return f"{'follows' if answer['follows'] else 'does not follow'} {answer['probability']:.3f}"

    def serve(self, outputs):
        """`probability` that the second text follows the first, and whether it `follows`."""
        probability = ops.sigmoid(outputs[:, 0])
        return {"follows": probability >= 0.5, "probability": probability}
