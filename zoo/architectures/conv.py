"""A stack of residual, dilated convolutions over tokens, causal or not.

Bai et al. 2018, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence Modeling,
https://arxiv.org/abs/1803.01271, where `causal`; in both directions as Strubell et al. 2017,
https://arxiv.org/abs/1702.02098. Differences: one convolution a block, layer norm before it (not weight norm), so that
a deep stack trains like a pre-norm Transformer.
"""

from dataclasses import dataclass

from keras import KerasTensor

from zoo.architectures import Architecture, fact
from zoo.layers.convolution import convolution_block
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import UNKNOWN, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.transformer import layer_norm


@dataclass(frozen=True, kw_only=True)
class Conv(Architecture):
    """Residual dilated convolutions: (batch, time, width) features.

    The receptive field is 1 + (kernel - 1) * (1 + g + ... + g ** (depth - 1)) tokens, g being `dilation_growth`.
    """

    width: int = 128  # of word vectors and of every convolution
    depth: int = 3  # convolutions
    kernel: int = 3  # tokens that a filter spans
    dilation_growth: int = 2  # ratio of the dilations of successive convolutions; 1: no dilation
    causal: bool = False  # features depend on no later tokens
    word_dropout: float = 0.1  # words replaced by the unknown token
    embedding_dropout: float = 0.3  # of word vectors
    dropout: float = 0.1  # of the output of each convolution

    pooling: str | None = fact("max")

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        x = TokenDropout(self.word_dropout, UNKNOWN, name="word_dropout")(tokens)
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, name="embedding")(x)
        x = Dropout(self.embedding_dropout, name="embedding_dropout")(x)
        for i in range(self.depth):
            dilation = self.dilation_growth**i
            x = convolution_block(x, padding_mask, self.kernel, dilation, self.causal, self.dropout, f"block{i}")
        return layer_norm(x, "norm")
