"""An encoder reads the source; a decoder, looking at it and at what it has written, tells the next target token.

Vaswani et al. 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762: base and big as in table 3, with norms
after each sum. The difference: a norm may stand before attention (`norm="pre"`), which needs less warm-up.
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal
from keras.layers import Rescaling

from zoo.architectures import Architecture
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import SinusoidalPositions
from zoo.layers.transformer import NORMS, decoder_block, encoder_block, normalize
from zoo.runtime.choice import choose


@dataclass(frozen=True, kw_only=True)
class Transformer(Architecture):
    """Encoder and decoder blocks: (batch, target time, width) features of the target.

    Source and target have one vocabulary of ids. With `shared` both have the same vectors, and so has the output layer
    (section 3.4); without it source, target and output layer each learn their own.
    """

    vocabulary: int = 37_000  # section 5.1, of English and German together
    width: int = 512  # of the residual stream
    depth: int = 6  # blocks of the encoder, and of the decoder
    heads: int = 8
    hidden: int = 2048  # of the feed-forward layers
    dropout: float = 0.1  # of vectors with their positions and of what blocks add; section 5.4
    norm: str = "post"  # or pre
    shared: bool = True

    causal = True
    pooling = "last"

    @property
    def tied(self):
        return self.shared

    def __post_init__(self):
        choose("norm", self.norm, NORMS)

    def __call__(self, source, target):
        visible = PaddingMask(self.padding, name="visible")(source)
        embed = {"embedding": self._embedding("embedding")}
        embed["source_embedding"] = embed["embedding"] if self.shared else self._embedding("source_embedding")
        x = self._place(embed["source_embedding"](source), "source")
        for i in range(self.depth):
            x = encoder_block(x, visible, **self._options, name=f"encoder{i}")
        memory = self._finish(x, "encoder_norm")
        y = self._place(embed["embedding"](target), "target")
        for i in range(self.depth):
            y = decoder_block(y, memory, visible, **self._options, name=f"decoder{i}")
        return self._finish(y, "norm")

    @property
    def _options(self):
        return {
            "attention": {"heads": self.heads},
            "feed_forward": {"hidden": self.hidden},
            "norm": self.norm,
            "dropout": self.dropout,
        }

    def _embedding(self, name):
        initial = RandomNormal(stddev=self.width**-0.5)
        return TokenEmbedding(self.vocabulary, self.width, self.padding, embeddings_initializer=initial, name=name)

    def _place(self, x, name):
        x = Rescaling(self.width**0.5, name=f"{name}_scale")(x)  # section 3.4
        x = SinusoidalPositions(name=f"{name}_positions")(x)
        return Dropout(self.dropout, name=f"{name}_dropout")(x)

    def _finish(self, x, name):
        return normalize(x, name) if self.norm == "pre" else x


BASE = Transformer()
BIG = Transformer(width=1024, heads=16, hidden=4096, dropout=0.3)
