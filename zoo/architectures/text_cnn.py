"""Convolutions of several widths over word vectors, the largest response of each filter over the text.

Kim 2014, Convolutional Neural Networks for Sentence Classification, https://arxiv.org/abs/1408.5882: his CNN-rand. The
difference: a text is padded at both ends, so that one shorter than the widest filter has features as well.
"""

from dataclasses import dataclass

from keras.initializers import RandomUniform
from keras.layers import Concatenate

from zoo.architectures import Architecture
from zoo.layers.convolution import Conv1D
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import UNKNOWN, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.pooling import Pooling


@dataclass(frozen=True, kw_only=True)
class TextCNN(Architecture):
    """One convolution of each width, each pooled over time: (batch, filters * len(kernels)) features."""

    width: int = 128  # of a word vector
    filters: int = 100  # of each kernel width; section 3.1
    kernels: tuple = (3, 4, 5)  # widths in tokens; section 3.1
    word_dropout: float = 0.1  # words turned into the unknown word
    embedding_dropout: float = 0.5  # of numbers in word vectors
    dropout: float = 0.5  # of the features; section 3.1

    pooling = None

    def __post_init__(self):
        object.__setattr__(self, "kernels", tuple(self.kernels))  # a list when it was read from JSON

    def __call__(self, tokens):
        visible = PaddingMask(self.padding, name="visible")(tokens)
        x = TokenDropout(self.word_dropout, UNKNOWN, name="word_dropout")(tokens)
        spread = RandomUniform(-0.25, 0.25)  # section 3.3: about the spread of pretrained vectors
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, embeddings_initializer=spread, name="embedding")(
            x
        )
        x = Dropout(self.embedding_dropout, name="embedding_dropout")(x)
        x = [Pooling("max", name=f"pooling{k}")(self._convolve(k)(x), visible) for k in self.kernels]
        x = Concatenate(name="features")(x) if len(x) > 1 else x[0]
        return Dropout(self.dropout, name="dropout")(x)

    def _convolve(self, kernel):
        return Conv1D(self.filters, kernel, padding="same", activation="relu", name=f"convolution{kernel}")
