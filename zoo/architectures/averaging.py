"""A deep averaging network: the mean of the word vectors, then dense layers; fastText's linear model at depth 0.

Iyyer et al. 2015, Deep Unordered Composition Rivals Syntactic Methods for Text Classification,
https://aclanthology.org/P15-1162. With `ngrams` above 1, n-grams have vectors too, as in fastText (Joulin et al. 2017,
https://arxiv.org/abs/1607.01759).
"""

from dataclasses import dataclass

from keras import KerasTensor

from zoo.architectures import Architecture, fact
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import NGrams, PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.pooling import Pooling


@dataclass(frozen=True, kw_only=True)
class Averaging(Architecture):
    """Deep averaging network (DAN) with word dropout: (batch, hidden) features, (batch, width) at depth 0."""

    width: int = 128  # of a word vector
    hidden: int = 128  # of each dense layer
    depth: int = 1  # dense layers after the mean
    ngrams: int = 1  # longest n-gram that has a vector
    buckets: int = 2**17  # vectors that n-grams of two and more tokens share, by hash
    word_dropout: float = 0.3  # words dropped from the mean; section 5
    embedding_dropout: float = 0.0  # of word vectors
    dropout: float = 0.2  # after each dense layer

    pooling: str | None = fact(None)

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        grams = NGrams(self.vocabulary, self.ngrams, self.buckets, name="ngrams")
        ids = grams(TokenDropout(self.word_dropout, name="word_dropout")(tokens))
        x = TokenEmbedding(grams.size, self.width, name="embedding")(ids)
        x = Dropout(self.embedding_dropout, name="embedding_dropout")(x)
        x = Pooling("mean", name="mean")(x, PaddingMask(name="padding_mask")(ids))
        for i in range(self.depth):
            x = Dense(self.hidden, activation="relu", name=f"dense{i}")(x)
            x = Dropout(self.dropout, name=f"dropout{i}")(x)
        return x
