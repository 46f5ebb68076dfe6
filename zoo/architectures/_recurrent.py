"""The network that the recurrent architectures share: layers on layers, in one direction or both."""

from dataclasses import dataclass

from keras.layers import Add, Concatenate

from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.runtime.choice import choose

MERGES = {"concat": Concatenate, "sum": Add}


@dataclass(frozen=True, kw_only=True)
class RecurrentStack:
    """Fields and drawing of an architecture whose `layer` is one of the recurrent layers."""

    width: int = 128  # of a word vector
    units: int = 128  # of a layer's state, in each direction
    depth: int = 1  # layers
    bidirectional: bool = False  # every layer reads both ways (Graves 2013, https://arxiv.org/abs/1303.5778)
    merge: str = "concat"  # what is done with the two directions: concat or sum
    embedding_dropout: float = 0.3  # of word vectors
    dropout: float = 0.3  # after each layer
    tied: bool = False  # word vectors, then as wide as the features, give a language model's logits too

    def __post_init__(self):
        choose("merge", self.merge, MERGES)
        if self.tied and self.width != self.units:
            raise ValueError(
                f"tied=True needs width and units to be equal. Received: width={self.width}, units={self.units}."
            )

    @property
    def causal(self):
        return not self.bidirectional

    @property
    def pooling(self):
        return "max" if self.bidirectional else "last"

    def __call__(self, tokens):
        visible = PaddingMask(self.padding, name="visible")(tokens)
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, name="embedding")(tokens)
        x = variational(self.embedding_dropout, "embedding_dropout")(x)
        for i in range(self.depth):
            x = self._read(x, visible, f"layer{i}")
            x = variational(self.dropout, f"dropout{i}")(x)
        return x

    def _read(self, x, visible, name):
        forwards = self.layer(self.units, name=f"{name}_forwards")(x, visible)
        if not self.bidirectional:
            return forwards
        backwards = self.layer(self.units, reverse=True, name=f"{name}_backwards")(x, visible)
        return MERGES[self.merge](name=name)([forwards, backwards])


def variational(rate, name):
    """Dropout of the same features at every token (Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287)."""
    return Dropout(rate, noise_shape=(None, 1, None), name=name)
