"""Record fields of an objective, and its preparation: one pass over the records before training."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from zoo.runtime.errors import RowError, UserError, did_you_mean, shorten

ObjectiveT = TypeVar("ObjectiveT")  # a subclass of `zoo.objectives.Objective`


@dataclass(frozen=True)
class Fields:
    """The record fields of a task: the required columns, the inputs of the trained model, the texts to tokenize."""

    required: tuple[str, ...]  # without these columns no model can be trained
    inputs: tuple[str, ...]  # the texts that `predict` takes, in order
    texts: tuple[str, ...] = ()  # a tokenizer is trained on these
    optional: tuple[str, ...] = ()  # further columns that a record may have
    defaults: dict[str, str] = field(default_factory=dict)  # further fields of a record for `predict`
    contains: tuple[str, ...] = ()  # strings, of which the first input must contain one, such as [MASK]

    @property
    def train(self) -> tuple[str, ...]:
        """The fields that training reads."""
        return tuple(dict.fromkeys([*self.required, *self.optional]))

    def check_columns(self, columns: Iterable[str], also: Sequence[str] = ()) -> None:
        """Raise UserError for a mapped field that the task does not read; `also` names further fields that it reads."""
        read = tuple(dict.fromkeys([*self.train, *also]))
        for name in columns:
            if name not in read:
                raise UserError(
                    f"Expected columns for fields that this objective reads: {', '.join(read)}. "
                    f"Received: {name!r}.{did_you_mean(name, read)}"
                )

    def record(self, text: str | Sequence[str]) -> dict[str, str]:
        """A record without a label, from a text or a tuple of texts as `Pipeline.predict` takes it.

        Raises UserError for another number of texts than `inputs`, and where all strings of `contains` are missing.
        """
        values = (text,) if isinstance(text, str) else text
        is_tuple = len(self.inputs) > 1
        if not isinstance(values, tuple | list if is_tuple else tuple) or not all(isinstance(v, str) for v in values):
            expected = f"a text, or a tuple of {' and '.join(self.inputs)}," if is_tuple else "a text"
            raise UserError(f"Expected {expected} to predict from. Received: {shorten(text)}.")
        if len(values) != len(self.inputs):
            raise UserError(
                f"Expected {' and '.join(self.inputs)} for this model. Received: {len(values)} text(s), {text!r:.80}."
            )
        if self.contains and not any(string in values[0] for string in self.contains):
            expected = " or ".join(self.contains)
            raise UserError(f"Expected {expected} in {self.inputs[0]}. Received: {values[0]!r:.80}.")
        return dict(zip(self.inputs, values, strict=True)) | self.defaults

    def records(self, texts: Iterable[str | Sequence[str]]) -> list[dict[str, str]]:
        """A record for each of several texts. Raises UserError for what is no list of texts, and as `record`."""
        if not isinstance(texts, Iterable) or isinstance(texts, bytes):
            raise UserError(f"Expected a text, or a list of texts or other data. Received: {shorten(texts)}.")
        return [self.record(text) for text in texts]


def check_texts(location: str, record: dict, names: Sequence[str]) -> None:
    """Raise `RowError`, with the location, where the texts of a record, or its lists of words, are all empty."""
    texts = [record[name] for name in names]
    if texts and not any("".join(text).strip() for text in texts):
        received = ", ".join(f"{name}={text!r}" for name, text in zip(names, texts, strict=True))
        raise RowError(f"Expected a text at {location}. Received: {received}.", "an empty text")


class Preparation(Generic[ObjectiveT]):
    """One pass over the records before training: checks each record, and collects labels and the like.

    `objective` has the settings that depend on the architecture already. Records of several splits may be interleaved.
    """

    def __init__(self, objective: ObjectiveT) -> None:
        self.objective = objective

    def add(self, split: str, location: str, record: dict) -> None:
        """Check a record and take it into account. Raises UserError, with the location, for a bad record."""

    def finish(self, describe: Callable[[str], str]) -> ObjectiveT:
        """The prepared objective; `describe` is `Dataset.describe`, the source of a split for messages.

        Raises UserError where the records as a whole do not suffice, such as for a single label.
        """
        return self.objective
