"""The contract of an objective: what is learned from records, and how a prediction reads to a person."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from zoo import backend


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """Turns records into arrays, adds a head, a loss and metrics to a trunk, and reads predictions back.

    Data goes `examples` (once, cached on disk) -> padded by `zoo.batches` -> `arrange` (every epoch) -> the model.
    """

    length: int = 256  # longest example, in token ids; longer texts are cut

    watch = "accuracy"  # which of `scores` is shown while training

    def check(self, architecture):
        """Raise ValueError, with the reason, where `architecture` is not able to serve this objective."""

    @abstractmethod
    def needs(self):
        """Names of the record fields without which nothing can be learned."""

    def fit(self, dataset):
        """A copy of this objective that knows what only the training data tells, such as its labels."""
        return self

    def accept(self, dataset, split):
        """Raise ValueError where a split holds what the fitted objective does not know, such as a new label."""

    @abstractmethod
    def texts(self, record):
        """The texts of a record from which a tokenizer learns."""

    @abstractmethod
    def asks(self):
        """Names of the record fields that a question to the trained model consists of, in order."""

    def record(self, text):
        """A record without an answer, from what a person hands to `predict`: a text, or a tuple of several."""
        given, asked = (text,) if isinstance(text, str) else tuple(text), self.asks()
        if len(given) != len(asked):
            raise ValueError(
                f"Expected {' and '.join(asked)} for this model. Received: {len(given)} text(s), {text!r:.80}."
            )
        return dict(zip(asked, given, strict=True))

    @abstractmethod
    def examples(self, records, tokenizer, train=True):
        """Yield a dict of 1-D arrays for every example that the list of `records` gives.

        Every key that names an input of the network is padded with 0 in a batch, and its time is bucketed.
        With `train` False targets are left out, so records without answers will do.
        """

    @abstractmethod
    def arrange(self, batch, random):
        """`(inputs, targets, weights)` for `fit` from a dict of padded (batch, ...) arrays.

        `weights` is (batch,) or (batch, time): how much each target counts; `zoo.batches` normalises it.
        `random` is a `numpy.random.Generator` that is the same for the same batch of the same epoch.
        """

    @abstractmethod
    def head(self, architecture, trunk):
        """A `keras.Model` with the trunk's inputs and this objective's outputs."""

    @abstractmethod
    def loss(self):
        """The Keras loss to compile with."""

    def metrics(self):
        """Fresh Keras metrics to show while training."""
        return []

    def compile(self, model, optimizer="adamw", **options):
        """Compile with this objective's loss and metrics; `options` go to `keras.Model.compile`."""
        options = {"jit_compile": backend.COMPILE} | options
        model.compile(optimizer=optimizer, loss=self.loss(), weighted_metrics=self.metrics(), **options)
        return model

    def model(self, architecture):
        """Draw the network with this objective's head.

        Raises ValueError where `architecture` cannot serve it.
        """
        self.check(architecture)
        return self.head(architecture, architecture.trunk())

    def calibrate(self, predictions, records):
        """A copy of this objective whose decisions suit `predictions` on validation `records`."""
        return self

    @abstractmethod
    def answer(self, prediction, record):
        """What a person gets back for one record, from its row of the model's output."""

    @abstractmethod
    def read(self, answer):
        """An answer as one line of text."""

    @abstractmethod
    def serve(self, outputs):
        """What an exported model answers: a dict of (rows, ...) tensors from the model's outputs, in Keras ops."""

    def words(self):
        """{name of one of `serve`'s tensors: tuple of strings} where that tensor's numbers are indices into strings."""
        return {}

    @abstractmethod
    def scores(self, predictions, records):
        """Exact metrics of `predictions` (one row a record): a flat dict of names to floats."""

    def rank(self, scores):
        """A tuple by which epochs are compared: the weights with the highest are kept."""
        return (scores[self.watch],)

    def table(self, predictions, records):
        """Rows (dicts of one shape) worth printing below the scores, such as one a class."""
        return []

    def confusion(self, predictions, records):
        """(classes, classes) counts worth drawing, or None."""
        return None
