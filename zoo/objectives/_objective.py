"""The contract of an objective: what is learned from records, and how a prediction reads to a person."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from zoo import backend
from zoo.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class PromptTemplate:
    """How an exported model makes what its network goes on from of a text."""

    prefix: str = ""  # text that stands before a person's
    suffix: str = ""
    special_tokens: bool = False  # with the tokenizer's special tokens around it
    start_ids: tuple = ()  # ids before all others
    length: int | None = None  # most ids; of texts with special tokens the beginning is kept, of others the end
    decoder_ids: tuple = ()  # of an encoder-decoder, which reads the text as its source: the ids that its target begins with


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """Turns records into arrays, adds a head, a loss and metrics to a backbone, and reads predictions back.

    Data goes `examples` (once, cached on disk) -> padded by `zoo.data.batches` -> `collate` (every epoch) -> the model.
    """

    length: int = 256  # longest example, in token ids; longer texts are cut

    monitor = "accuracy"  # which of `scores` is shown while training
    dynamic = False  # True: `collate` draws what the network reads anew in every epoch
    graph_input = "texts"  # how an export reads what it is asked: one of `zoo.export.graph_answers.ANSWERS`
    split_strategy = "spread"  # or "end": how splits that the data lacks are drawn: see `zoo.dataset.open_dataset`
    max_new_tokens = 64  # most that is written where nobody says how much
    packable = True  # False: several examples in a row, as `training.packed_length` wants it, cannot be learned
    per_token = ()  # keys of `examples` that hold one number for each token (of an encoder-decoder: each of `target`)

    def check_architecture(self, architecture):
        """Raise UserError, with the reason, where `architecture` is not able to serve this objective."""

    @abstractmethod
    def needs(self):
        """Names of the record fields without which nothing can be learned."""

    def fit(self, dataset):
        """A copy of this objective that knows what only the training data tells, such as its labels."""
        return self

    def suit(self, architecture):
        """A copy of this objective that makes the examples which this architecture reads."""
        return self

    def accept(self, dataset, split):
        """Raise UserError where a split holds what the fitted objective does not know, such as a new label."""

    @abstractmethod
    def texts(self, record):
        """The texts of a record from which a tokenizer learns."""

    @abstractmethod
    def asks(self):
        """Names of the record fields that a question to the trained model consists of, in order."""

    def record(self, text):
        """A record without an answer, from what a person hands to `predict`: a text, or a tuple of several."""
        given, asked = (text,) if isinstance(text, str) else text, self.asks()
        if not isinstance(given, tuple | list):
            raise UserError(f"Expected a text, or a tuple of {' and '.join(asked)}. Received: {text!r:.80}.")
        if len(given) != len(asked):
            raise UserError(
                f"Expected {' and '.join(asked)} for this model. Received: {len(given)} text(s), {text!r:.80}."
            )
        return dict(zip(asked, given, strict=True))

    @abstractmethod
    def examples(self, records, tokenizer, train=True):
        """Yield a dict of 1-D arrays for every example that the list of `records` gives.

        In a batch, a key that names an input of the network is padded with the tokenizer's padding, its time bucketed;
        one of `per_token` is padded with -1; of all others each row has the same size. `segments`, 0 or 1 for a token's text
        of a pair, may be given for networks that read it. With `train` False targets are left out, so records without
        answers will do. Examples need not be as many as records.
        """

    @abstractmethod
    def collate(self, batch, random):
        """`(inputs, targets, weights)` for `fit` from a dict of padded (batch, ...) arrays.

        `weights` is (batch,) or (batch, time): how much each target counts; `zoo.data.batches` normalises it. With several
        outputs, targets and weights are dicts as the outputs are.
        `random` is a `numpy.random.Generator` that is the same for the same batch of the same epoch.
        """

    def predict(self, run, records, tokenizer):
        """One prediction for each of a list of records: of each one's only example, what the model gives.

        `run` is a `zoo.pipeline.predictor.BatchPredictor`: `run(rows)` is a list of the model's outputs for a list of examples.
        """
        return run(list(self.examples(records, tokenizer, train=False)))

    def prompt_ids(self, record, tokenizer):
        """The row that writing goes on from: {"tokens": ids}, or {"source": ids} for which a target is written.

        Raises UserError where a model of this objective does not write.
        """
        raise UserError(f"Expected a model that writes text. Received: one of {type(self).__name__}, which answers.")

    def prompt_template(self, tokenizer):
        """The `PromptTemplate` of an export, which writes what `prompt_ids` leads to; None of models that answer by `serve`."""

    @abstractmethod
    def head(self, architecture, backbone):
        """A `keras.Model` with the backbone's inputs and this objective's outputs."""

    @abstractmethod
    def loss(self):
        """The Keras loss to compile with."""

    def metrics(self):
        """Fresh Keras metrics to show while training."""
        return []

    def compile(self, model, optimizer="adamw", **options):
        """Compile with this objective's loss and metrics; `options` go to `keras.Model.compile`."""
        options = {"jit_compile": backend.COMPILE, "loss": self.loss()} | options
        model.compile(optimizer=optimizer, weighted_metrics=self.metrics(), **options)
        return model

    def model(self, architecture):
        """Draw the network with this objective's head.

        Raises UserError where `architecture` cannot serve it.
        """
        self.check_architecture(architecture)
        return self.head(architecture, architecture.backbone())

    def served(self, model):
        """The network that an export traces, of a trained model."""
        return model

    def calibrate(self, predictions, records):
        """A copy of this objective whose decisions suit `predictions`, a list, on validation `records`."""
        return self

    @abstractmethod
    def answer(self, prediction, record):
        """What a person gets back for one record, from its prediction."""

    @abstractmethod
    def format(self, answer):
        """An answer as one line of text."""

    def serve(self, outputs):
        """What an exported model answers: a dict of (rows, ...) tensors from the model's outputs, in Keras ops.

        Not called for one that writes: see `prompt_template`.
        """
        raise NotImplementedError

    def words(self):
        """{name of one of `serve`'s tensors: tuple of strings} where that tensor's numbers are indices into strings."""
        return {}

    @abstractmethod
    def scores(self, predictions, records):
        """Exact metrics of `predictions` (a list, one for each record): a flat dict of names to floats."""

    def selection_key(self, scores):
        """A tuple by which epochs are compared: the weights with the highest are kept."""
        return (scores[self.monitor],)

    def per_class(self, predictions, records):
        """Rows (dicts of one shape) worth printing below the scores, such as one a class."""
        return []

    def confusion_matrix(self, predictions, records):
        """(classes, classes) counts worth drawing, or None."""
        return None
