"""A convolutional network for classification: filters of several widths, max pooling over time (TextCNN).

Kim 2014, Convolutional Neural Networks for Sentence Classification, https://arxiv.org/abs/1408.5882: his CNN-rand.
Difference: "same" padding, so that a text shorter than the widest filter has features as well.
"""

from dataclasses import dataclass

from keras import KerasTensor
from keras.initializers import RandomUniform
from keras.layers import Concatenate

from zoo.architectures import Architecture, fact
from zoo.layers.convolution import Conv1D
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import UNKNOWN, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.pooling import Pooling


@dataclass(frozen=True, kw_only=True)
class TextCNN(Architecture):
    """One convolution of each width, each pooled over time: (batch, filters * len(kernels)) features."""

    width: int = 128  # of a word vector
    filters: int = 100  # of each kernel width; section 3.1
    kernels: tuple[int, ...] = (3, 4, 5)  # widths in tokens; section 3.1
    word_dropout: float = 0.1  # words replaced by the unknown token
    embedding_dropout: float = 0.5  # of word vectors
    dropout: float = 0.5  # of the features; section 3.1

    pooling: str | None = fact(None)
    blocks: str = fact("convolution")  # side by side, and so one block

    def __post_init__(self):
        self._set(kernels=tuple(self.kernels))  # JSON has lists

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        x = TokenDropout(self.word_dropout, UNKNOWN, name="word_dropout")(tokens)
        init = RandomUniform(-0.25, 0.25)  # section 3.3: about the variance of pretrained vectors
        embedding = TokenEmbedding(
            self.vocabulary, self.width, self.padding, embeddings_initializer=init, name="embedding"
        )
        x = embedding(x)
        x = Dropout(self.embedding_dropout, name="embedding_dropout")(x)
        x = [Pooling("max", name=f"pooling{k}")(self._convolve(k)(x), padding_mask) for k in self.kernels]
        x = Concatenate(name="features")(x) if len(x) > 1 else x[0]
        return Dropout(self.dropout, name="dropout")(x)

    def _convolve(self, kernel):
        return Conv1D(self.filters, kernel, padding="same", activation="relu", name=f"convolution{kernel}")
