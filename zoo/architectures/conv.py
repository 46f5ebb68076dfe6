"""Convolutions on convolutions, each added to what it read; dilated, so that few of them see far.

Bai et al. 2018, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence Modeling,
https://arxiv.org/abs/1803.01271, where `causal`; looking both ways as Strubell et al. 2017,
https://arxiv.org/abs/1702.02098. The difference: one convolution a block, normalised before it (layer norm, not weight
norm), so that a deep stack trains like a pre-norm Transformer.
"""

from dataclasses import dataclass

from zoo.architectures import Architecture
from zoo.layers.convolution import convolution_block
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import UNKNOWN, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.transformer import normalize


@dataclass(frozen=True, kw_only=True)
class Conv(Architecture):
    """Residual dilated convolutions: (batch, time, width) features.

    A feature sees (kernel - 1) * (1 + growth + ... + growth ** (depth - 1)) tokens besides its own.
    """

    width: int = 128  # of word vectors and of every convolution
    depth: int = 3  # convolutions
    kernel: int = 3  # tokens that one convolution sees
    growth: int = 2  # each convolution's dilation, as a multiple of the one before; 1: not dilated
    causal: bool = False  # sees no later tokens
    word_dropout: float = 0.1  # words turned into the unknown word
    embedding_dropout: float = 0.3  # of numbers in word vectors
    dropout: float = 0.1  # of what each convolution adds

    pooling = "max"

    def __call__(self, tokens):
        visible = PaddingMask(self.padding, name="visible")(tokens)
        x = TokenDropout(self.word_dropout, UNKNOWN, name="word_dropout")(tokens)
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, name="embedding")(x)
        x = Dropout(self.embedding_dropout, name="embedding_dropout")(x)
        for i in range(self.depth):
            dilation = self.growth**i
            x = convolution_block(x, visible, self.kernel, dilation, self.causal, self.dropout, f"block{i}")
        return normalize(x, "norm")
