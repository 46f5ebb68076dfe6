"""The contract of an architecture: a network that maps token ids to features."""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass

import keras

from zoo.layers.dense import Dense


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """Hyperparameters as fields; calling it draws the network with the Keras functional API and returns its features.

    A subclass adds its fields, states the facts below and defines `__call__(self, tokens)`. Parameters of
    `__call__` name the network's inputs, (batch, time) tensors of int32: `tokens`, ids right-padded with `padding`, and
    where it reads them `types`, 0 or 1 for the first and second text of a pair; or, of an encoder-decoder, `source` and
    `target`, ids of what is read and of what is written, which begins one place later there.
    """

    vocabulary: int = 20_000  # number of token ids
    padding: int = 0  # the id that fills up the shorter texts of a batch

    causal = False  # True: the feature at time t sees tokens up to t only
    pooling = "mean"  # what suits its features when one vector a text is wanted; None: they are one vector already
    begin = ("first",)  # which of a tokenizer's special ids an encoder-decoder's target begins with
    tied = False  # True: logits over the vocabulary are made with the vectors of its layer called "embedding"

    published = None  # a `zoo.architectures._pretrained.HuggingFaceMapping` where there are weights to be had
    keras_hub = None  # a `zoo.architectures._pretrained.KerasHubMapping` where KerasHub has some too

    @abstractmethod
    def __call__(self, tokens):
        """Features of ids, (batch, time): (batch, time, width), or (batch, width) where `pooling` is None."""

    @classmethod
    def inputs(cls):
        """Names of the network's inputs, in order."""
        return [name for name in inspect.signature(cls.__call__).parameters if name != "self"]

    def trunk(self):
        """Draw the network: a `keras.Model` from ids to features."""
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in self.inputs()}
        return keras.Model(inputs, self(**inputs), name="trunk")

    def logits(self, trunk, x=None):
        """Draw logits over the vocabulary, (..., vocabulary), upon `x`, by default the features that `trunk` ends with.

        Where word vectors are `tied`, they are products with them: Press & Wolf 2017, https://arxiv.org/abs/1608.05859.
        """
        x = trunk.output if x is None else x
        if self.tied:
            return trunk.get_layer("embedding")(x, reverse=True)
        return Dense(self.vocabulary, name="logits")(x)

    def fit(self, trunk, rows, targets=None):
        """Compute what the network needs to know of the training text before its first step; most need nothing.

        Args:
            trunk: the model that `trunk()` drew.
            rows: iterable of 1-D integer arrays, the token ids of each training text.
            targets: iterable of what the objective teaches of each, 1-D arrays; not read by those that need it not.
        """
