"""LSTM layers over words, with word embeddings and a character CNN over the bytes of each word.

Chiu & Nichols 2016, https://aclanthology.org/Q16-1026, and Ma & Hovy 2016, https://aclanthology.org/P16-1101: features
of the characters represent words outside the training data. The input is bytes (the tokenizer of that name); spaces
separate words. Differences: word embeddings are looked up by a hash of the word (hash embeddings, Svenstrup 2017,
https://arxiv.org/abs/1709.03933) and dropped at random in training, so that the network relies on characters too;
embeddings of the lower-case word and of its suffix are added, as in spaCy's MultiHashEmbed.
"""

from dataclasses import dataclass

from keras import KerasTensor
from keras.layers import Activation, Add, Concatenate, Dropout

from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.convolution import MaskedConv1D
from zoo.layers.dropout import variational_dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.recurrent import cells
from zoo.layers.word_features import BroadcastWords, WordEnds, WordHashes, WordIndex, WordMaxPooling


@dataclass(frozen=True, kw_only=True)
class LSTMCNN(RecurrentStack):
    """LSTM layers over words: (batch, time, units + filters) features of each byte.

    A byte has the features of its word and of the bytes around it; 2 * units where directions are concatenated.
    """

    vocabulary: int = 261  # bytes after the special tokens
    space: int = 37  # id of the byte that separates words
    buckets: int = 2**14  # word embeddings, shared by words of the same hash
    suffix: int = 3  # bytes of the suffix that has an embedding, as the lower-case word has; 0: neither has
    byte_width: int = 32  # of a byte embedding
    filters: int = 128  # of the convolution over bytes
    kernel: int = 5  # bytes that a filter spans
    word_dropout: float = 0.2  # words whose embedding is dropped
    bidirectional: bool = True  # read each text in both directions

    layer = cells.LSTM

    def __post_init__(self):
        super().__post_init__()
        self._set(causal=False)  # the features of each byte depend on its whole word

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        index = WordIndex(self.space, self.padding, name="word_index")(tokens)
        ends = WordEnds(name="word_ends")(index)
        words = WordHashes(self.space, self.buckets, name="word_hashes")(tokens, index, ends)
        characters = self._characters(tokens)
        x = Concatenate(name="word")(
            [self._embed(words, tokens, index, ends), WordMaxPooling(name="word_characters")(characters, index, ends)]
        )
        x = variational_dropout(self.embedding_dropout, "embedding_dropout")(x)
        padding_mask = PaddingMask(name="padding_mask")(words)
        for i in range(self.depth):
            x = self._bidirectional(x, padding_mask, f"layer{i}")
            x = variational_dropout(self.dropout, f"dropout{i}")(x)
        return Concatenate(name="features")([BroadcastWords(name="broadcast")(x, index), characters])

    def _embed(self, words, tokens, index, ends):
        """Word embeddings, (batch, words, width): by hash, by hash of the lower-case word, by hash of its suffix."""
        embed = TokenEmbedding(self.buckets + 1, self.width, name="embedding")
        drop = Dropout(self.word_dropout, noise_shape=(None, None, 1), name="word_dropout")
        if not self.suffix:
            return drop(embed(words))
        lower = WordHashes(self.space, self.buckets, lowercase=True, name="lower_hashes")(tokens, index, ends)
        options = {"lowercase": True, "suffix": self.suffix, "name": "suffix_hashes"}
        suffixes = WordHashes(self.space, self.buckets, **options)(tokens, index, ends)
        return Add(name="word_sum")([drop(Add(name="word_and_lower")([embed(words), embed(lower)])), embed(suffixes)])

    def _characters(self, tokens):
        """Features of the bytes, (batch, time, filters)."""
        x = TokenEmbedding(self.vocabulary, self.byte_width, self.padding, name="bytes")(tokens)
        padding_mask = PaddingMask(self.padding, name="byte_mask")(tokens)
        x = MaskedConv1D(self.filters, self.kernel, padding="same", name="convolution")(x, padding_mask)
        return Activation("relu", name="characters")(x)
