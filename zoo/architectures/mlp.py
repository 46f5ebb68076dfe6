"""Counts of tokens, weighted, then dense layers: a text as one fixed-size vector that knows nothing of word order.

TF-IDF: Sparck Jones 1972, https://doi.org/10.1108/eb026526, in scikit-learn's smooth form,
https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting; with `ngrams` above 1 runs of
tokens are features too, hashed into buckets. The vectors, as long as the vocabulary, are never written out: the first
dense layer adds up the rows of its kernel that belong to the tokens of a text.
"""

from dataclasses import dataclass
from itertools import islice, repeat

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.architectures import Architecture, fact
from zoo.backend.shapes import power_of_two
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import NGrams
from zoo.runtime.errors import one_of

FEATURES = ("tfidf", "sublinear_tfidf", "counts", "binary")
ROWS = 1024  # texts whose features are counted at a time; so many ids are in memory together


@dataclass(frozen=True, kw_only=True)
class MLP(Architecture):
    """Dense layers over a bag of tokens: (batch, hidden) features."""

    features: str = "tfidf"  # sublinear_tfidf: 1 + ln(count) in place of the count; counts; binary: there or not
    ngrams: int = 1  # longest run of tokens that is a feature
    buckets: int = 2**18  # features that runs of two and more tokens share
    min_count: int = 1  # training texts that must have a feature for it to count
    naive_bayes: bool = False  # features that tell more about the labels count more: `_log_ratios`
    l2_norm: float = 1.0  # Euclidean length of a text's features
    hidden: int = 256  # of each dense layer
    depth: int = 1  # dense layers; at 0 `hidden` linear sums of the features: a linear model
    dropout: float = 0.5  # after each dense layer

    pooling: str | None = fact(None)

    def __post_init__(self):
        one_of("features", self.features, FEATURES)

    def __call__(self, tokens):
        grams = NGrams(self.vocabulary, self.ngrams, self.buckets, name="ngrams")
        ids = grams(tokens)
        weights = BagWeights(self.features, grams.size, self.l2_norm, name="weights")(ids)
        x = SparseDense(grams.size, self.hidden, "relu" if self.depth else "linear", name="dense0")(weights, ids)
        for i in range(self.depth):
            if i > 0:
                x = Dense(self.hidden, activation="relu", name=f"dense{i}")(x)
            x = Dropout(self.dropout, name=f"dropout{i}")(x)
        return x

    def adapt(self, backbone, rows, targets=None):
        """Weigh each feature by how few of the training texts have it; one that too few have does not count.

        With `naive_bayes`, `targets` are arrays that are 1 at the labels of each text and 0 at others.
        """
        layer, grams = backbone.get_layer("weights"), backbone.get_layer("ngrams")
        texts, total, found_GS = zip(rows, self._groups(targets), strict=False), 0, np.zeros((1, grams.size))
        while chunk := list(islice(texts, ROWS)):
            found_GS = found_GS + _texts_with(*zip(*chunk, strict=True), grams)
            total += len(chunk)
        scale = np.log((1 + total) / (1 + found_GS[0])) + 1 if "tfidf" in self.features else 1
        if self.naive_bayes:
            scale = scale * _log_ratios(found_GS)
        layer.scale.assign(np.where(found_GS[0] >= max(self.min_count, 1), scale, 0))

    def _groups(self, targets):
        """Where each text is counted: among all, and where labels matter with each of its own."""
        return ((True, *target) for target in targets) if self.naive_bayes else repeat((True,))


@keras.saving.register_keras_serializable(package="zoo")
class BagWeights(keras.layers.Layer):
    """How much each place of (batch, longest * time) ids counts: (batch, longest * time), zero at padding.

    Over the places where a feature stands the weights add up to its value; each text's values have length `l2_norm`.
    """

    def __init__(self, features, size, l2_norm=1.0, **kwargs):
        super().__init__(**kwargs)
        self.features = one_of("features", features, FEATURES)
        self.size = size
        self.l2_norm = l2_norm

    def build(self, ids_shape):
        self.scale = self.add_weight((self.size,), initializer="ones", trainable=False, autocast=False, name="scale")

    def call(self, ids):
        count = self._count(ids)
        value = self._strength(count) * ops.take(self.scale, ids, axis=0) * ops.cast(ops.not_equal(ids, 0), "float32")
        length = ops.sqrt(ops.sum(value * value / count, axis=1, keepdims=True))
        return ops.cast(self.l2_norm * value / count / ops.maximum(length, keras.config.epsilon()), self.compute_dtype)

    def compute_output_spec(self, ids):
        return keras.KerasTensor(ids.shape, dtype=self.compute_dtype)

    def _strength(self, count):
        if self.features == "binary":
            return ops.ones_like(count)
        return 1 + ops.log(count) if self.features == "sublinear_tfidf" else count

    def _count(self, ids):
        """How often the id at each place stands in its text."""
        own = ids + ops.arange(ops.shape(ids)[0], dtype=ids.dtype)[:, None] * self.size  # unlike any of another text
        return ops.cast(ops.reshape(backend.occurrences(ops.reshape(own, (-1,))), ops.shape(ids)), "float32")


@keras.saving.register_keras_serializable(package="zoo")
class SparseDense(keras.layers.Layer):
    """A dense layer over `size` features of which few are not zero: `weights` and `ids`, (batch, time), say which.

    Where it is linear it starts at zero, so that features which training never meets change no decision.
    """

    def __init__(self, size, units, activation="relu", **kwargs):
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


def _texts_with(rows, groups, grams):
    """In how many of `rows` of each group every id of `grams` is found: (groups, grams.size) counts."""
    longest = max(map(len, rows))
    tokens = np.zeros((ROWS, power_of_two(longest)), "int32")  # few shapes: some backends compile for each
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
    ids = np.sort(ops.convert_to_numpy(grams(tokens)), axis=1)[: len(rows)]
    first = np.diff(ids, axis=1, prepend=0) > 0  # padding, id 0, comes first and is never one
    members = np.array(groups, bool).T
    return np.stack([np.bincount(ids[group][first[group]], minlength=grams.size) for group in members])


def _log_ratios(found_GS):
    """How much each feature tells about the label that it tells most about: (size,) from the counts of `_texts_with`.

    That is the log-count ratio of naive Bayes (Wang & Manning 2012, section 2, https://aclanthology.org/P12-2018), of
    texts with a label and those without, whatever its sign.
    """
    with_label, without = found_GS[1:] + 1, found_GS[:1] - found_GS[1:] + 1
    seen = found_GS[0] > 0
    shares = [counts / counts.sum(axis=1, keepdims=True, where=seen) for counts in (with_label, without)]
    return np.abs(np.log(shares[0] / shares[1])).max(axis=0)
