"""A TF-IDF bag of words and dense layers (MLP): a text as one vector without word order.

TF-IDF: Sparck Jones 1972, https://doi.org/10.1108/eb026526, in scikit-learn's smooth form,
https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting; with `ngrams` above 1, n-grams are
features too, hashed into buckets; where tokens are characters, so are whole words. The sparse vectors, as long as the
vocabulary, are never dense: the first dense layer sums the rows of its kernel at the token ids of a text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, repeat

import keras
import numpy as np
from keras import KerasTensor, ops
from keras.layers import Concatenate

from zoo import backend
from zoo.architectures import Architecture, fact
from zoo.backend.shapes import power_of_two
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import NGrams
from zoo.layers.word_ids import WordIds
from zoo.runtime.errors import one_of

FEATURES = ("tfidf", "sublinear_tfidf", "counts", "binary")
CHUNK = 1024  # texts whose features are counted at a time, to bound the memory


@dataclass(frozen=True, kw_only=True)
class MLP(Architecture):
    """Dense layers on a bag of words or n-grams: (batch, hidden) features."""

    features: str = "tfidf"  # sublinear_tfidf: 1 + ln(count) for the count; counts; binary: presence
    ngrams: int = 1  # longest n-gram that is a feature
    buckets: int = 2**18  # features that n-grams of two and more tokens share, by hash
    whole_words: bool = False  # whole words are features too, in as many buckets, where tokens are characters
    separators: tuple[int, ...] = ()  # ids of the characters between words: those of the tokenizer
    min_count: int = 1  # training texts with a feature, below which it has weight 0 (scikit-learn: min_df)
    naive_bayes: bool = False  # features are weighted by their log-count ratio: `_log_count_ratios`
    l2_norm: float = 1.0  # Euclidean norm of a text's features, of n-grams and of words
    hidden: int = 256  # of each dense layer
    depth: int = 1  # dense layers; at 0 a linear model with `hidden` outputs
    dropout: float = 0.5  # after each dense layer

    pooling: str | None = fact(None)

    def __post_init__(self):
        one_of("features", self.features, FEATURES)
        self._set(separators=tuple(self.separators))

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        grams = NGrams(self.vocabulary, self.ngrams, self.buckets, name="ngrams")
        ids, size = grams(tokens), grams.size
        if self.whole_words:
            options = {"buckets": self.buckets, "first": size, "padding": self.padding}
            word_ids = WordIds(self.vocabulary, self.separators, **options, name="words")(tokens)
            ids, size = Concatenate(axis=1, name="features")([ids, word_ids]), size + self.buckets
        weights = BagWeights(self.features, size, self.l2_norm, grams.size, name="weights")(ids)
        x = SparseDense(size, self.hidden, "relu" if self.depth else "linear", name="dense0")(weights, ids)
        for i in range(self.depth):
            if i > 0:
                x = Dense(self.hidden, activation="relu", name=f"dense{i}")(x)
            x = Dropout(self.dropout, name=f"dropout{i}")(x)
        return x

    def adapt(
        self, backbone: keras.Model, texts: Iterable[np.ndarray], targets: Iterable[np.ndarray] | None = None
    ) -> None:
        """Set the weight of each feature from its document frequency: IDF, `min_count` and naive Bayes ratios.

        Args:
            targets: with `naive_bayes`, an array for each text that is 1 at its labels and 0 elsewhere.
        """
        layer = backbone.get_layer("weights")
        features = keras.Model(backbone.get_layer("ngrams").input, layer.input)
        pairs = zip(texts, self._groups(targets), strict=False)
        total, frequency_GS = 0, np.zeros((1, layer.size))  # G: groups, S: number of features
        while chunk := list(islice(pairs, CHUNK)):
            rows, groups = zip(*chunk, strict=True)
            frequency_GS = frequency_GS + _document_frequency(rows, groups, features, layer.size)
            total += len(chunk)
        scale = np.log((1 + total) / (1 + frequency_GS[0])) + 1 if "tfidf" in self.features else 1
        if self.naive_bayes:
            scale = scale * _log_count_ratios(frequency_GS)
        layer.scale.assign(np.where(frequency_GS[0] >= max(self.min_count, 1), scale, 0))

    def _groups(self, targets):
        """The groups of each text, as booleans: all texts, and with `naive_bayes` the texts of each label."""
        return ((True, *target) for target in targets) if self.naive_bayes else repeat((True,))


@keras.saving.register_keras_serializable(package="zoo")
class BagWeights(keras.layers.Layer):
    """TF-IDF weights: (batch, time) ids to (batch, time) weights, zero at padding; time is that of the n-grams.

    The weights of equal ids in a text add up to the value of that feature. The values of a text have norm `l2_norm`:
    those of the ids below `first_word`, and those of the ids from it on.
    """

    def __init__(self, features: str, size: int, l2_norm: float = 1.0, first_word: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.features = one_of("features", features, FEATURES)
        self.size = size
        self.l2_norm = l2_norm
        self.first_word = size if first_word is None else first_word

    def build(self, ids_shape):
        self.scale = self.add_weight((self.size,), initializer="ones", trainable=False, autocast=False, name="scale")

    def call(self, ids):
        count = self._count(ids)
        present = ops.cast(ops.not_equal(ids, 0), "float32")
        value = self._term_frequency(count) * ops.take(self.scale, ids, axis=0) * present
        if self.first_word == self.size:
            norm = _norm(value, count)
        else:
            is_word = ids >= self.first_word
            norms = (_norm(ops.where(part, value, 0.0), count) for part in (is_word, ops.logical_not(is_word)))
            norm = ops.where(is_word, *norms)
        return ops.cast(self.l2_norm * value / count / ops.maximum(norm, keras.config.epsilon()), self.compute_dtype)

    def compute_output_spec(self, ids):
        return keras.KerasTensor(ids.shape, dtype=self.compute_dtype)

    def _term_frequency(self, count):
        if self.features == "binary":
            return ops.ones_like(count)
        return 1 + ops.log(count) if self.features == "sublinear_tfidf" else count

    def _count(self, ids):
        """How often each id occurs in its text, (batch, time)."""
        distinct = ids + ops.arange(ops.shape(ids)[0], dtype=ids.dtype)[:, None] * self.size  # no two texts share an id
        return ops.cast(ops.reshape(backend.count_occurrences(ops.reshape(distinct, (-1,))), ops.shape(ids)), "float32")


@keras.saving.register_keras_serializable(package="zoo")
class SparseDense(keras.layers.Layer):
    """A dense layer over `size` sparse features, with nonzero values `weights` at indices `ids`, (batch, time).

    A linear layer starts at zero, so that features that are absent from training change no decision.
    """

    def __init__(self, size: int, units: int, activation: str = "relu", **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.units = units
        self.activation = activation
        self.activate = keras.activations.get(activation)

    def build(self, weights_shape, ids_shape):
        initializer = "zeros" if self.activation == "linear" else "uniform"
        self.kernel = self.add_weight((self.size, self.units), initializer=initializer, name="kernel")
        self.bias = self.add_weight((self.units,), initializer="zeros", name="bias")

    def call(self, weights, ids):
        return self.activate(ops.einsum("bt,btm->bm", weights, ops.take(self.kernel, ids, axis=0)) + self.bias)

    def compute_output_spec(self, weights, ids):
        return keras.KerasTensor((weights.shape[0], self.units), dtype=self.compute_dtype)


def _norm(value, count):
    """The Euclidean norms of texts whose features have these values and occur so often, (batch, 1)."""
    return ops.sqrt(ops.sum(value * value / count, axis=1, keepdims=True))


def _document_frequency(texts, groups, features, size):
    """Document frequencies: how many texts of each group have each of the `features`, (groups, size)."""
    longest = max(map(len, texts))
    tokens = np.zeros((CHUNK, power_of_two(longest)), "int32")  # few shapes: some backends compile for each
    for row, text in zip(tokens, texts, strict=False):
        row[: len(text)] = text
    ids = np.sort(ops.convert_to_numpy(features(tokens)), axis=1)[: len(texts)]
    first = np.diff(ids, axis=1, prepend=0) > 0  # the first of equal ids; never padding, id 0, which comes first
    members = np.array(groups, bool).T
    return np.stack([np.bincount(ids[group][first[group]], minlength=size) for group in members])


def _log_count_ratios(frequency_GS):
    """Absolute log-count ratios of naive Bayes, (size,), the largest over labels, from `_document_frequency`.

    Wang & Manning 2012, section 2, https://aclanthology.org/P12-2018: of texts with a label and texts without it.
    """
    with_label, without = frequency_GS[1:] + 1, frequency_GS[:1] - frequency_GS[1:] + 1
    seen = frequency_GS[0] > 0
    shares = [counts / counts.sum(axis=1, keepdims=True, where=seen) for counts in (with_label, without)]
    return np.abs(np.log(shares[0] / shares[1])).max(axis=0)
