"""A recurrent encoder-decoder with attention, for translation and other sequence-to-sequence tasks.

Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473 (`attention="additive"`, `input_feeding="context"`), and Luong et
al. 2015, https://arxiv.org/abs/1508.04025 ("general" or "dot", "output" or "none"). Differences: Luong's output layer
tanh(W [state; context]) replaces Bahdanau's maxout; the initial state of the decoder is computed from both ends of the
source; of several layers only the last one has attention and input feeding.
"""

from dataclasses import dataclass

from keras import KerasTensor
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
    """Recurrent layers with attention to the source: (batch, target time, width) features of the target."""

    cell: str = "gru"  # or lstm
    width: int = 256  # of word vectors and features
    units: int = 512  # of a layer's state, in each direction
    depth: int = 1  # layers of the encoder, and of the decoder
    bidirectional: bool = True  # encoder layers run in both directions
    attention: str = "additive"  # general or dot
    input_feeding: str = "context"  # from one step to the next: context, output or none (the fastest)
    embedding_dropout: float = 0.3  # of word vectors
    dropout: float = 0.3  # after each layer
    tied: bool = True  # weight tying: source, target and logits share their word vectors

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

    def __call__(self, source: KerasTensor, target: KerasTensor) -> KerasTensor:
        padding_mask = PaddingMask(self.padding, name="padding_mask")(source)
        embedding = self._embedding("embedding")
        source_embedding = embedding if self.tied else self._embedding("source_embedding")
        x = variational_dropout(self.embedding_dropout, "source_dropout")(source_embedding(source))
        encoded, ends = self._encode(x, padding_mask)
        y = variational_dropout(self.embedding_dropout, "target_dropout")(embedding(target))
        return self._decode(y, encoded, padding_mask, ends)

    def _embedding(self, name):
        init = RandomNormal(stddev=self.width**-0.5)  # as in `transformer`: large enough for tied logits
        return TokenEmbedding(self.vocabulary, self.width, self.padding, embeddings_initializer=init, name=name)

    def _encode(self, x, padding_mask):
        """Features of the source, (batch, source time, ...), and the last layer's outputs at its ends, (batch, ...)."""
        for i in range(self.depth):
            x, ends = self._bidirectional(x, padding_mask, f"encoder{i}")
            x = variational_dropout(self.dropout, f"encoder{i}_dropout")(x)
        return x, ends

    def _bidirectional(self, x, padding_mask, name):
        layer = CELLS[self.cell]
        forwards = layer(self.units, name=f"{name}_forwards")(x, padding_mask)
        last = Pooling("last", name=f"{name}_last")(forwards, padding_mask)
        if not self.bidirectional:
            return forwards, last
        backwards = layer(self.units, reverse=True, name=f"{name}_backwards")(x, padding_mask)
        first = Pooling("first", name=f"{name}_first")(backwards, padding_mask)
        return Concatenate(name=name)([forwards, backwards]), Concatenate(name=f"{name}_ends")([last, first])

    def _decode(self, y, encoded, padding_mask, ends):
        last = self.depth - 1
        for i in range(last):
            y, _ = CELLS[self.cell](self.units, name=f"decoder{i}")(y, state=self._initial_state(ends, i))
            y = variational_dropout(self.dropout, f"decoder{i}_dropout")(y)
        state = self._initial_state(ends, last)
        if self.input_feeding == "none":
            y = self._attend(y, encoded, padding_mask, state, f"decoder{last}")
        else:
            options = {"cell": self.cell, "score": self.attention, "input_feeding": self.input_feeding}
            y, _ = AttentionDecoder(self.units, **options, name=f"decoder{last}")(y, encoded, padding_mask, state)
        y = variational_dropout(self.dropout, "dropout")(y)
        return Dense(self.width, name="features")(y)

    def _initial_state(self, ends, i):
        """The initial state of a decoder's layer: Bahdanau 2015, appendix A.2.2."""
        count = CELLS[self.cell].state_count
        return [Dense(self.units, "tanh", dtype="float32", name=f"state{i}_{j}")(ends) for j in range(count)]

    def _attend(self, y, encoded, padding_mask, state, name):
        """Luong's decoder without input feeding: all states first, then attention of all of them at once."""
        y, _ = CELLS[self.cell](self.units, name=name)(y, state=state)
        context = DecoderAttention(self.units, self.attention, name="attention")(y, encoded, padding_mask)
        state_and_context = Concatenate(name="state_and_context")([y, context])
        return Dense(self.units, "tanh", name="readout")(state_and_context)  # equation 5


TINY = RNNSeq2Seq(width=64, units=64)  # not in a paper: trains on a laptop
RNNSEARCH = RNNSeq2Seq(vocabulary=30_000, width=620, units=1000, embedding_dropout=0.0, dropout=0.0)  # Bahdanau 2015
