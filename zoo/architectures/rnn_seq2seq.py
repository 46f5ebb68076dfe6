"""A recurrent encoder reads the source; a recurrent decoder writes the target and looks back at it at every step.

Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473 (`attention="additive"`, `feeding="context"`), and Luong et al.
2015, https://arxiv.org/abs/1508.04025 ("general" or "dot", "output" or "none"). The differences: Luong's output layer
tanh(W [state; context]) serves both in place of Bahdanau's maxout, the decoder's first state is learned from both ends
of the source, and of several layers it is the last one that is fed.
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal
from keras.layers import Concatenate

from zoo.architectures import Architecture
from zoo.architectures._recurrent import variational
from zoo.layers.dense import Dense
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.pooling import Pooling
from zoo.layers.recurrent.attention_decoder import CELLS, FEEDINGS, AttentionDecoder
from zoo.layers.recurrent.decoder_attention import SCORES, DecoderAttention
from zoo.runtime.choice import choose


@dataclass(frozen=True, kw_only=True)
class RNNSeq2Seq(Architecture):
    """Recurrent layers and attention: (batch, target time, width) features of the target."""

    cell: str = "gru"  # or lstm
    width: int = 256  # of word vectors and features
    units: int = 512  # of a layer's state, in each direction
    depth: int = 1  # layers of the encoder, and of the decoder
    bidirectional: bool = True  # whether the encoder reads both ways
    attention: str = "additive"  # general or dot
    feeding: str = "context"  # what a step is given of the step before: context, output or none, which is the quickest
    embedding_dropout: float = 0.3  # of word vectors
    dropout: float = 0.3  # after each layer
    shared: bool = True  # whether source, target and output layer have the same word vectors

    causal = True
    pooling = "last"

    @property
    def tied(self):
        return self.shared

    def __post_init__(self):
        choose("cell", self.cell, CELLS)
        choose("attention", self.attention, SCORES)
        choose("feeding", self.feeding, ("none", *FEEDINGS))
        if self.attention == "dot" and self.bidirectional:
            raise ValueError(
                "attention='dot' needs an encoder as wide as the decoder. Received: bidirectional=True. "
                "Give bidirectional=False or attention='general'."
            )

    def __call__(self, source, target):
        visible = PaddingMask(self.padding, name="visible")(source)
        embedding = self._embedding("embedding")
        source_embedding = embedding if self.shared else self._embedding("source_embedding")
        x = variational(self.embedding_dropout, "source_dropout")(source_embedding(source))
        memory, ends = self._encode(x, visible)
        y = variational(self.embedding_dropout, "target_dropout")(embedding(target))
        return self._decode(y, memory, visible, ends)

    def _embedding(self, name):
        initial = RandomNormal(stddev=self.width**-0.5)  # as in `transformer`: large enough to give logits
        return TokenEmbedding(self.vocabulary, self.width, self.padding, embeddings_initializer=initial, name=name)

    def _encode(self, x, visible):
        """Features of the source, and one vector of its ends."""
        for i in range(self.depth):
            x, ends = self._read(x, visible, f"encoder{i}")
            x = variational(self.dropout, f"encoder{i}_dropout")(x)
        return x, ends

    def _read(self, x, visible, name):
        layer = CELLS[self.cell]
        forwards = layer(self.units, name=f"{name}_forwards")(x, visible)
        last = Pooling("last", name=f"{name}_last")(forwards, visible)
        if not self.bidirectional:
            return forwards, last
        backwards = layer(self.units, reverse=True, name=f"{name}_backwards")(x, visible)
        first = Pooling("first", name=f"{name}_first")(backwards, visible)
        return Concatenate(name=name)([forwards, backwards]), Concatenate(name=f"{name}_ends")([last, first])

    def _decode(self, y, memory, visible, ends):
        for i in range(self.depth - 1):
            y, _ = CELLS[self.cell](self.units, name=f"decoder{i}")(y, state=self._begin(ends, i))
            y = variational(self.dropout, f"decoder{i}_dropout")(y)
        begin = self._begin(ends, self.depth - 1)
        if self.feeding == "none":
            y = self._look(y, memory, visible, begin)
        else:
            options = {"cell": self.cell, "score": self.attention, "feeding": self.feeding}
            y, _ = AttentionDecoder(self.units, **options, name="decoder")(y, memory, visible, begin)
        y = variational(self.dropout, "dropout")(y)
        return Dense(self.width, name="features")(y)

    def _begin(self, ends, i):
        """The state that a decoder's layer begins with: Bahdanau 2015, appendix A.2.2."""
        layer = CELLS[self.cell]
        parts = [Dense(self.units, "tanh", dtype="float32", name=f"state{i}_{j}")(ends) for j in range(layer.states)]
        return parts

    def _look(self, y, memory, visible, begin):
        """Luong's decoder without feeding: all states first, then attention for all of them at once."""
        y, _ = CELLS[self.cell](self.units, name="decoder")(y, state=begin)
        seen = DecoderAttention(self.units, self.attention, name="attention")(y, memory, visible)
        return Dense(self.units, "tanh", name="readout")(Concatenate(name="seen")([y, seen]))  # equation 5


RNNSEARCH = RNNSeq2Seq(vocabulary=30_000, width=620, units=1000, embedding_dropout=0.0, dropout=0.0)  # Bahdanau 2015
