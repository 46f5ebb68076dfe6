"""The contract of an objective: a task with its record fields, examples, head, loss, decision and scores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np

from zoo.layers.token_logits import TokenLoss
from zoo.objectives._answers import Answers
from zoo.objectives._preparation import Fields, Preparation, check_texts
from zoo.objectives._runner import Runner
from zoo.runtime.field_comments import DocumentedFields

if TYPE_CHECKING:
    from zoo.architectures import Architecture
    from zoo.data.dataset import Dataset
    from zoo.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Objective(Answers, DocumentedFields, ABC):
    """A task: how records become examples, the head and the loss, and how outputs become decisions and scores.

    Records go `examples` (tokenized once, cached on disk) -> padded batches -> `collate` (in each epoch) -> the model.
    The model's outputs go `decide` -> decisions -> `answer` or `scores`; an exported graph calls `decide` too.

    Class attributes that training and export read:
        fields: the record fields.
        reads_by: {record field: name of the boolean setting by which the objective reads it}.
        dynamic: `collate` draws other inputs in each epoch, so features of frozen layers cannot be cached.
        packable: several examples may share a row (`training.packed_length`).
        stateful: recurrent layers keep their state from batch to batch.
        proportions: scores that are the share of the records that are right.
        means: scores that are the mean of the scores of single records.
        per_token: keys of `examples` with one number for each token (of an encoder-decoder: of `target`).
        split_strategy: "spread" or "end", how missing splits are derived: see `zoo.data.opening.open_dataset`.
        graph_input: how an exported graph reads strings, a key of `zoo.export.graph_answers.ANSWERS`.
    """

    length: int = 256  # longest example, in token ids; longer texts are truncated

    monitor = "accuracy"  # the key of `scores` that validation reports and that selects the best weights
    dynamic, packable, stateful, per_token = False, True, False, ()
    proportions, means = (), ()
    split_strategy, graph_input = "spread", "texts"
    reads_by: ClassVar[Mapping[str, str]] = MappingProxyType({})
    fields: ClassVar[Fields]  # set by each subclass; a property where settings change them

    def tokenizer_texts(self, record: dict) -> list[str]:
        """The texts of a record that a tokenizer is trained on; a list of words is one text."""
        texts = (record[name] for name in self.fields.texts)
        return [text if isinstance(text, str) else " ".join(text) for text in texts]

    def check_record(self, location: str, record: dict) -> None:
        """Raise `RowError`, with the location, for a record that cannot be trained on, such as one without a text."""
        check_texts(location, record, self.fields.texts)

    def preparation(self, architecture: "Architecture") -> Preparation:
        """The pass over the records that prepares this objective for training with an architecture."""
        return Preparation(self)

    def prepare(self, dataset: "Dataset", architecture: "Architecture") -> "Objective":
        """A copy with the settings that depend on the data and the architecture, such as labels.

        Raises UserError for bad records.
        """
        preparation = self.preparation(architecture)
        for split, location, record in dataset.visit():
            preparation.add(split, location, record)
        return preparation.finish(dataset.describe)

    @abstractmethod
    def check_architecture(self, architecture: "Architecture") -> None:
        """Raise UserError, with the reason, for an architecture that cannot serve this objective."""

    @abstractmethod
    def examples(
        self, records: Sequence[dict], tokenizer: "Tokenizer", train: bool = True
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yield the examples of a list of records: dicts of 1-D arrays, any number for each record.

        In a batch, keys that name an input of the network are padded, keys of `per_token` are padded with -1, and all
        other keys have the same size in every example. `train=False` leaves the labels out, so records need none.
        `zoo.data` documents the keys.
        """

    @abstractmethod
    def collate(self, batch: dict[str, np.ndarray], random: np.random.Generator) -> tuple:
        """`(inputs, targets, sample weights)` for `fit` from a dict of padded (batch, ...) arrays.

        Weights are (batch,) or (batch, time). Targets and weights of a model with several outputs are dicts. `random`
        is seeded by the epoch and the batch. The docstring of each objective's `collate` says what `fit` takes.
        """

    @abstractmethod
    def head(self, architecture: "Architecture", backbone: keras.Model) -> keras.Model:
        """The backbone with this objective's output layers."""

    @abstractmethod
    def loss(self, model: keras.Model) -> Any:
        """The Keras loss, or a dict of losses by output, to compile `model` with."""

    def predict(self, run: Runner, records: Sequence[dict], tokenizer: "Tokenizer") -> list[dict]:
        """A decision for each record; `run` runs the model on examples."""
        return run.decisions(list(self.examples(records, tokenizer, train=False)))

    @abstractmethod
    def decide(self, outputs: Any) -> dict[str, Any]:
        """The decisions for a batch, a dict of (rows, ...) tensors, from a model's outputs; in Keras ops.

        `predict`, `evaluate` and the exported graph all call it, so a server answers as Python does.
        """

    @property
    def outputs(self) -> dict[str, tuple[str, ...] | None]:
        """The tensors of `decide` that an exported graph returns, with class names for those that hold indices."""
        return {}

    @abstractmethod
    def answer(self, decision: dict, record: dict) -> Any:
        """What `Pipeline.predict` returns for a record: Python values that JSON can hold."""

    @abstractmethod
    def format(self, answer: Any) -> str:
        """An answer as one line of text."""

    @abstractmethod
    def scores(self, decisions: Sequence[dict], records: Sequence[dict]) -> dict[str, float]:
        """Exact metrics of a decision for each record."""

    def selection_key(self, scores: dict[str, float]) -> tuple:
        """The sort key of model selection: the weights of the epoch with the highest key are saved.

        A lower loss decides between equal scores. Training passes `proportions` in steps of their standard error, so
        that scores which are hard to tell apart are equal.
        """
        if self.monitor == "perplexity":
            return (-scores["loss"],)
        return (scores[self.monitor], -scores.get("loss", 0.0))


@dataclass(frozen=True)
class PromptTemplate:
    """How an exported graph turns a string into prompt ids."""

    prefix: str = ""
    suffix: str = ""
    special_tokens: bool = False  # put the tokenizer's special tokens around the text
    start_ids: tuple[int, ...] = ()  # before all other ids
    end_ids: tuple[int, ...] = ()  # after all other ids
    length: int | None = None  # longest prompt, in ids; truncated on the right with special tokens, else on the left
    decoder_ids: tuple[int, ...] = ()  # of an encoder-decoder, whose source is the text: ids that start the decoder


@dataclass(frozen=True, kw_only=True)
class Generates(Objective):
    """An objective whose models generate text, trained on the next token. `decide` is not called.

    Examples hold `labels`, the next token at each position; -1 is ignored by the loss.
    """

    generation: dict[str, Any] = field(default_factory=dict)  # defaults of text generation, such as beams=4

    command = "generate"
    max_new_tokens = 64  # longest generated text, in tokens
    per_token = ("labels",)

    @abstractmethod
    def prompt_ids(self, record: dict, tokenizer: "Tokenizer") -> dict[str, np.ndarray]:
        """The prompt of a record: {"tokens": ids}, or of an encoder-decoder {"source": ids, "target": ids}."""

    @abstractmethod
    def prompt_template(self, tokenizer: "Tokenizer") -> PromptTemplate:
        """The template by which an exported graph makes the ids of `prompt_ids`."""

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), or for a decoder `source` (batch, source time) and `target` (batch, time).
        Targets: (batch, time) the id of the next token at each position.
        Weights: (batch, time), 0 where no token is predicted: at padding, in prompts.
        """
        labels = batch.pop("labels")
        return batch, np.maximum(labels, 0), (labels >= 0).astype("float32")

    def head(self, architecture, backbone):
        return keras.Model(backbone.input, architecture.logits(backbone))

    def loss(self, model):
        return TokenLoss()

    def decide(self, outputs: Any) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} generates text.")


class Calibrates(ABC):
    """An objective with a decision threshold that is calibrated on the validation split."""

    @abstractmethod
    def calibrate(self, decisions: Sequence[dict], records: Sequence[dict]) -> Objective:
        """A copy with the threshold that maximises the score of the validation decisions."""


class Reports(ABC):
    """An objective with scores for each class."""

    @abstractmethod
    def per_class(self, decisions: Sequence[dict], records: Sequence[dict]) -> list[dict]:
        """A row for each class: label, precision, recall, f1 and support."""

    def confusion_matrix(self, decisions: Sequence[dict], records: Sequence[dict]) -> np.ndarray | None:
        """(classes, classes) counts, true by predicted class; None where a text has several classes."""
        return None
