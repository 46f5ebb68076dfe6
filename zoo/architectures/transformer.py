"""The Transformer encoder-decoder, for translation and other sequence-to-sequence tasks.

Vaswani et al. 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762: base and big as in table 3, with norms
after each sum (post-norm). Difference: pre-norm blocks (`norm="pre"`), which need less warm-up, are an option.
"""

from dataclasses import dataclass

from keras import KerasTensor
from keras.initializers import RandomNormal
from keras.layers import Rescaling

from zoo.architectures import Architecture, fact
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import SinusoidalPositions
from zoo.layers.transformer import NORMS, decoder_block, encoder_block, layer_norm
from zoo.runtime.errors import one_of


@dataclass(frozen=True, kw_only=True)
class Transformer(Architecture):
    """Encoder and decoder blocks: (batch, target time, width) features of the target.

    Source and target share one vocabulary of ids. Where `tied`, source, target and logits share one table of word
    vectors (section 3.4); else each has its own weights.
    """

    vocabulary: int = 37_000  # section 5.1, of English and German together
    width: int = 512  # of the residual stream
    depth: int = 6  # blocks of the encoder, and of the decoder
    heads: int = 8  # attention heads of a block
    hidden: int = 2048  # of the feed-forward layers
    dropout: float = 0.1  # of word vectors with positions and of the output of sublayers; section 5.4
    norm: str = "post"  # or pre
    tied: bool = True  # weight tying: source, target and logits share their word vectors

    causal: bool = fact(True)
    pooling: str | None = fact("last")

    def __post_init__(self):
        one_of("norm", self.norm, NORMS)

    def __call__(self, source: KerasTensor, target: KerasTensor) -> KerasTensor:
        padding_mask = PaddingMask(self.padding, name="padding_mask")(source)
        embedding = self._embedding("embedding")
        source_embedding = embedding if self.tied else self._embedding("source_embedding")
        x = self._add_positions(source_embedding(source), "source")
        for i in range(self.depth):
            x = encoder_block(x, padding_mask, **self._block_options, name=f"encoder{i}")
        encoded = self._final_norm(x, "encoder_norm")
        y = self._add_positions(embedding(target), "target")
        for i in range(self.depth):
            y = decoder_block(y, encoded, padding_mask, **self._block_options, name=f"decoder{i}")
        return self._final_norm(y, "norm")

    @property
    def _block_options(self):
        return {
            "attention": {"heads": self.heads},
            "feed_forward": {"hidden": self.hidden},
            "norm": self.norm,
            "dropout": self.dropout,
        }

    def _embedding(self, name):
        init = RandomNormal(stddev=self.width**-0.5)
        return TokenEmbedding(self.vocabulary, self.width, self.padding, embeddings_initializer=init, name=name)

    def _add_positions(self, x, name):
        x = Rescaling(self.width**0.5, name=f"{name}_scale")(x)  # section 3.4
        x = SinusoidalPositions(name=f"{name}_positions")(x)
        return Dropout(self.dropout, name=f"{name}_dropout")(x)

    def _final_norm(self, x, name):
        return layer_norm(x, name) if self.norm == "pre" else x


TINY = Transformer(width=128, depth=2, heads=4, hidden=512)  # not in the paper: trains on a laptop
BASE = Transformer()
BIG = Transformer(width=1024, heads=16, hidden=4096, dropout=0.3)
