"""Layers of long short-term memory over words, each with a vector of its own and one made of its spelling.

Chiu & Nichols 2016, https://aclanthology.org/Q16-1026, and Ma & Hovy 2016, https://aclanthology.org/P16-1101: so a word
that training never met is known by its letters. It reads bytes (the tokenizer of that name); blanks part words. What
differs: a word's own vector is found by a hash of its spelling, not in a list (Svenstrup 2017,
https://arxiv.org/abs/1709.03933), and is left out at random while training, so that spelling is relied on too; added to
it are vectors of the word in small letters and of its ending, as spaCy's MultiHashEmbed has them.
"""

from dataclasses import dataclass

from keras.layers import Activation, Add, Concatenate, Dropout

from zoo.architectures import Architecture
from zoo.architectures._recurrent import RecurrentStack, variational
from zoo.layers.convolution import MaskedConv1D
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.recurrent import cells
from zoo.layers.word_features import BroadcastWords, WordEnds, WordHashes, WordIndex, WordMaxPooling


@dataclass(frozen=True, kw_only=True)
class LSTMCNN(RecurrentStack, Architecture):
    """LSTM layers over words: (batch, time, units + filters) features of each byte, its word's and its neighbours'.

    There are twice the units where directions are concatenated.
    """

    vocabulary: int = 261  # bytes after the special tokens
    blank: int = 37  # id of what parts words: of the blank among bytes
    buckets: int = 2**14  # vectors that words have
    ending: int = 3  # bytes at a word's end that have a vector, as has the word in small letters; 0: neither has
    bytes_width: int = 32  # of a byte's vector
    filters: int = 128  # of the convolution over bytes
    kernel: int = 5  # bytes that it sees at once
    word_dropout: float = 0.2  # words whose own vector is left out
    bidirectional: bool = True

    layer = cells.LSTM
    causal = False  # each byte's features know its whole word

    def __call__(self, tokens):
        numbers = WordIndex(self.blank, self.padding, name="numbers")(tokens)
        ends = WordEnds(name="ends")(numbers)
        words = WordHashes(self.blank, self.buckets, name="words")(tokens, numbers, ends)
        spelling = self._spelling(tokens)
        x = Concatenate(name="word")(
            [self._own(words, tokens, numbers, ends), WordMaxPooling(name="spelled")(spelling, numbers, ends)]
        )
        x = variational(self.embedding_dropout, "embedding_dropout")(x)
        visible = PaddingMask(name="visible")(words)
        for i in range(self.depth):
            x = self._read(x, visible, f"layer{i}")
            x = variational(self.dropout, f"dropout{i}")(x)
        return Concatenate(name="features")([BroadcastWords(name="spread")(x, numbers), spelling])

    def _own(self, words, tokens, numbers, ends):
        embed = TokenEmbedding(self.buckets + 1, self.width, name="embedding")
        drop = Dropout(self.word_dropout, noise_shape=(None, None, 1), name="word_dropout")
        if not self.ending:
            return drop(embed(words))
        small = WordHashes(self.blank, self.buckets, small=True, name="small")(tokens, numbers, ends)
        options = {"small": True, "ending": self.ending, "name": "endings"}
        endings = WordHashes(self.blank, self.buckets, **options)(tokens, numbers, ends)
        return Add(name="own")([drop(Add(name="whole")([embed(words), embed(small)])), embed(endings)])

    def _spelling(self, tokens):
        x = TokenEmbedding(self.vocabulary, self.bytes_width, self.padding, name="bytes")(tokens)
        shown = PaddingMask(self.padding, name="shown")(tokens)
        x = MaskedConv1D(self.filters, self.kernel, padding="same", name="convolution")(x, shown)
        return Activation("relu", name="spelling")(x)
