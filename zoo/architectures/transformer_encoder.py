"""A Transformer encoder of a size for small data: blocks of self-attention and feed-forward layers.

Vaswani et al. 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762. Differences: pre-norm blocks by
default (`norm="pre"`), optional learned or rotary positions, and word dropout against overfitting.
"""

from dataclasses import dataclass

from keras import KerasTensor
from keras.initializers import RandomNormal
from keras.layers import Rescaling

from zoo.architectures import Architecture, fact
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import UNKNOWN, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.transformer import NORMS, encoder_block, layer_norm
from zoo.runtime.errors import one_of

POSITIONS = ("sinusoidal", "learned", "rotary")


@dataclass(frozen=True, kw_only=True)
class TransformerEncoder(Architecture):
    """Blocks of self-attention among all tokens of a text: (batch, time, width) features."""

    width: int = 128  # of the residual stream
    depth: int = 2  # blocks
    heads: int = 4  # attention heads of a block
    hidden: int = 512  # of the feed-forward layers
    word_dropout: float = 0.1  # words replaced by the unknown token
    embedding_dropout: float = 0.3  # of word vectors with their positions
    dropout: float = 0.1  # of attention weights, feed-forward layers and outputs of sublayers; section 5.4
    norm: str = "pre"  # or post, as in the paper
    positions: str = "sinusoidal"  # learned or rotary
    length: int = 512  # of the longest text, where positions are learned

    pooling: str | None = fact("max")

    def __post_init__(self):
        one_of("norm", self.norm, NORMS)
        one_of("positions", self.positions, POSITIONS)

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        x = self._embed(tokens)
        for i in range(self.depth):
            x = encoder_block(
                x, padding_mask, self._attention, self._feed_forward, self.norm, self.dropout, f"block{i}"
            )
        return layer_norm(x, "norm") if self.norm == "pre" else x

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
        init = RandomNormal(stddev=self.width**-0.5)
        embedding = TokenEmbedding(
            self.vocabulary, self.width, self.padding, embeddings_initializer=init, name="embedding"
        )
        x = embedding(TokenDropout(self.word_dropout, UNKNOWN, name="word_dropout")(tokens))
        x = Rescaling(self.width**0.5, name="scale")(x)  # section 3.4
        if self.positions == "sinusoidal":
            x = SinusoidalPositions(name="positions")(x)
        if self.positions == "learned":
            x = LearnedPositions(self.length, name="positions")(x)
        return Dropout(self.embedding_dropout, name="embedding_dropout")(x)
