"""A recurrent encoder reads the source; a recurrent decoder writes the target and looks back at it at every step.

Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473 (`attention="additive"`, `input_feeding="context"`), and Luong et al.
2015, https://arxiv.org/abs/1508.04025 ("general" or "dot", "output" or "none"). The differences: Luong's output layer
tanh(W [state; context]) serves both in place of Bahdanau's maxout, the decoder's first state is learned from both ends
of the source, and of several layers it is the last one that is fed.
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal
from keras.layers import Concatenate

from zoo.architectures import Architecture, fact
from zoo.layers.dense import Dense
from zoo.layers.dropout import variational_dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.pooling import Pooling
from zoo.layers.recurrent.attention_decoder import CELLS, INPUT_FEEDINGS, AttentionDecoder
from zoo.layers.recurrent.decoder_attention import SCORES, DecoderAttention
from zoo.runtime.errors import UserError, one_of


@dataclass(frozen=True, kw_only=True)
class RNNSeq2Seq(Architecture):
    """Recurrent layers and attention: (batch, target time, width) features of the target."""

    cell: str = "gru"  # or lstm
    width: int = 256  # of word vectors and features
    units: int = 512  # of a layer's state, in each direction
    depth: int = 1  # layers of the encoder, and of the decoder
    bidirectional: bool = True  # whether the encoder reads both ways
    attention: str = "additive"  # general or dot
    input_feeding: str = (
        "context"  # what a step is given of the step before: context, output or none, which is the quickest
    )
    embedding_dropout: float = 0.3  # of word vectors
    dropout: float = 0.3  # after each layer
    tied: bool = True  # whether source, target and output layer have the same word vectors

    causal: bool = fact(True)
    pooling: str | None = fact("last")

    def __post_init__(self):
        one_of("cell", self.cell, CELLS)
        one_of("attention", self.attention, SCORES)
        one_of("input_feeding", self.input_feeding, ("none", *INPUT_FEEDINGS))
        if self.attention == "dot" and self.bidirectional:
            raise UserError(
                "attention='dot' needs an encoder as wide as the decoder. Received: bidirectional=True. "
                "Give bidirectional=False or attention='general'."
            )

    def __call__(self, source, target):
        padding_mask = PaddingMask(self.padding, name="padding_mask")(source)
        embedding = self._embedding("embedding")
        source_embedding = embedding if self.tied else self._embedding("source_embedding")
        x = variational_dropout(self.embedding_dropout, "source_dropout")(source_embedding(source))
        memory, ends = self._encode(x, padding_mask)
        y = variational_dropout(self.embedding_dropout, "target_dropout")(embedding(target))
        return self._decode(y, memory, padding_mask, ends)

    def _embedding(self, name):
        embeddings_init = RandomNormal(stddev=self.width**-0.5)  # as in `transformer`: large enough to give logits
        return TokenEmbedding(
            self.vocabulary, self.width, self.padding, embeddings_initializer=embeddings_init, name=name
        )

    def _encode(self, x, padding_mask):
        """Features of the source, and one vector of its ends."""
        for i in range(self.depth):
            x, ends = self._read(x, padding_mask, f"encoder{i}")
            x = variational_dropout(self.dropout, f"encoder{i}_dropout")(x)
        return x, ends

    def _read(self, x, padding_mask, name):
        layer = CELLS[self.cell]
        forwards = layer(self.units, name=f"{name}_forwards")(x, padding_mask)
        last = Pooling("last", name=f"{name}_last")(forwards, padding_mask)
        if not self.bidirectional:
            return forwards, last
        backwards = layer(self.units, reverse=True, name=f"{name}_backwards")(x, padding_mask)
        first = Pooling("first", name=f"{name}_first")(backwards, padding_mask)
        return Concatenate(name=name)([forwards, backwards]), Concatenate(name=f"{name}_ends")([last, first])

    def _decode(self, y, memory, padding_mask, ends):
        for i in range(self.depth - 1):
            y, _ = CELLS[self.cell](self.units, name=f"decoder{i}")(y, state=self._begin(ends, i))
            y = variational_dropout(self.dropout, f"decoder{i}_dropout")(y)
        begin = self._begin(ends, self.depth - 1)
        if self.input_feeding == "none":
            y = self._look(y, memory, padding_mask, begin)
        else:
            options = {"cell": self.cell, "score": self.attention, "input_feeding": self.input_feeding}
            y, _ = AttentionDecoder(self.units, **options, name="decoder")(y, memory, padding_mask, begin)
        y = variational_dropout(self.dropout, "dropout")(y)
        return Dense(self.width, name="features")(y)

    def _begin(self, ends, i):
        """The state that a decoder's layer begins with: Bahdanau 2015, appendix A.2.2."""
        layer = CELLS[self.cell]
        parts = [Dense(self.units, "tanh", dtype="float32", name=f"state{i}_{j}")(ends) for j in range(layer.states)]
        return parts

    def _look(self, y, memory, padding_mask, begin):
        """Luong's decoder without input_feeding: all states first, then attention for all of them at once."""
        y, _ = CELLS[self.cell](self.units, name="decoder")(y, state=begin)
        seen = DecoderAttention(self.units, self.attention, name="attention")(y, memory, padding_mask)
        return Dense(self.units, "tanh", name="readout")(Concatenate(name="seen")([y, seen]))  # equation 5


RNNSEARCH = RNNSeq2Seq(vocabulary=30_000, width=620, units=1000, embedding_dropout=0.0, dropout=0.0)  # Bahdanau 2015
