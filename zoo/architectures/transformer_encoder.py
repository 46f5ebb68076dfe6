"""Blocks of attention among all tokens of a text, and of dense layers for each.

Vaswani et al. 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762: its encoder, of a size for small data.
The difference: norms stand before attention by default (`norm="pre"`), positions may be learned or rotary, and words
may be dropped, which small data needs.
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal
from keras.layers import Rescaling

from zoo.architectures import Architecture
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import UNKNOWN, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.transformer import NORMS, encoder_block, normalize
from zoo.runtime.choice import choose

POSITIONS = ("sinusoidal", "learned", "rotary")


@dataclass(frozen=True, kw_only=True)
class TransformerEncoder(Architecture):
    """Encoder blocks: (batch, time, width) features, each of which has seen the whole text."""

    width: int = 128  # of the residual stream
    depth: int = 2  # blocks
    heads: int = 4
    hidden: int = 512  # of the feed-forward layers
    word_dropout: float = 0.1  # words turned into the unknown word
    embedding_dropout: float = 0.3  # of numbers in word vectors with their positions
    dropout: float = 0.1  # of attention weights, feed-forward layers and what blocks add; section 5.4
    norm: str = "pre"  # or post, as in the paper
    positions: str = "sinusoidal"  # learned or rotary
    length: int = 512  # positions in the table, where they are learned: the longest text

    pooling = "max"

    def __post_init__(self):
        choose("norm", self.norm, NORMS)
        choose("positions", self.positions, POSITIONS)

    def __call__(self, tokens):
        visible = PaddingMask(self.padding, name="visible")(tokens)
        x = self._embed(tokens)
        for i in range(self.depth):
            x = encoder_block(x, visible, self._attention, self._feed_forward, self.norm, self.dropout, f"block{i}")
        return normalize(x, "norm") if self.norm == "pre" else x

    @property
    def _attention(self):
        return {
            "heads": self.heads,
            "dropout": self.dropout,
            "rotary": {} if self.positions == "rotary" else None,
        }

    @property
    def _feed_forward(self):
        return {"hidden": self.hidden, "dropout": self.dropout}

    def _embed(self, tokens):
        initial = RandomNormal(stddev=self.width**-0.5)
        x = TokenDropout(self.word_dropout, UNKNOWN, name="word_dropout")(tokens)
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, embeddings_initializer=initial, name="embedding")(
            x
        )
        x = Rescaling(self.width**0.5, name="scale")(x)  # section 3.4
        if self.positions == "sinusoidal":
            x = SinusoidalPositions(name="positions")(x)
        if self.positions == "learned":
            x = LearnedPositions(self.length, name="positions")(x)
        return Dropout(self.embedding_dropout, name="embedding_dropout")(x)
