"""The backbone of RNN, GRU and LSTM: stacked recurrent layers, in one or both directions."""

from dataclasses import dataclass
from typing import ClassVar

from keras import KerasTensor
from keras.layers import Add, Concatenate

from zoo.architectures._architecture import Architecture, fact
from zoo.layers.dropout import variational_dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.recurrent.layer import Recurrent
from zoo.runtime.errors import UserError, one_of

MERGES = {"concat": Concatenate, "sum": Add}


@dataclass(frozen=True, kw_only=True)
class RecurrentStack(Architecture):
    """Stacked recurrent layers of the class `layer`, in one or both directions."""

    layer: ClassVar[type[Recurrent]]

    width: int = 128  # of a word vector
    units: int = 128  # of a layer's state, in each direction
    depth: int = 1  # layers
    bidirectional: bool = False  # every layer runs in both directions (Graves 2013, https://arxiv.org/abs/1303.5778)
    merge: str = "concat"  # how outputs of the two directions are merged: concat or sum
    embedding_dropout: float = 0.3  # of word vectors
    dropout: float = 0.3  # after each layer
    tied: bool = False  # weight tying: logits are products with the word vectors; needs width equal to units

    causal: bool = fact()
    pooling: str | None = fact()

    def __post_init__(self):
        one_of("merge", self.merge, MERGES)
        if self.tied and self.width != self.units:
            raise UserError(
                f"tied=True needs width and units to be equal. Received: width={self.width}, units={self.units}."
            )
        self._set(causal=not self.bidirectional, pooling="max" if self.bidirectional else "last")

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, name="embedding")(tokens)
        x = variational_dropout(self.embedding_dropout, "embedding_dropout")(x)
        for i in range(self.depth):
            x = self._bidirectional(x, padding_mask, f"layer{i}")
            x = variational_dropout(self.dropout, f"dropout{i}")(x)
        return x

    def _bidirectional(self, x, padding_mask, name):
        forwards = self.layer(self.units, name=f"{name}_forwards")(x, padding_mask)
        if not self.bidirectional:
            return forwards
        backwards = self.layer(self.units, reverse=True, name=f"{name}_backwards")(x, padding_mask)
        return MERGES[self.merge](name=name)([forwards, backwards])
