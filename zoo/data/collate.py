"""Collator: pads examples of different lengths into the arrays of one batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

    from zoo.text.tokenizer import Tokenizer

TEXTS = ("tokens", "source", "target")  # network inputs that hold token ids
OPTIONAL = ("segments",)  # network inputs that are zeros where examples lack them
IGNORE = -1  # label of a token that the loss leaves out

Example = dict[str, np.ndarray]  # 1-D arrays by key


@dataclass(frozen=True)
class Collator:
    """Pads the keys of examples: inputs with the padding id, keys `per_token` with `IGNORE`, others not at all."""

    inputs: tuple[str, ...]  # names of the network's inputs
    per_token: tuple[str, ...] = ()  # keys with a number for each token; of an encoder-decoder, for each of `target`
    padding: int = 0  # the tokenizer's padding id

    @classmethod
    def for_model(
        cls, model: "keras.Model", objective: Any, tokenizer: "Tokenizer", keys: Collection[str]
    ) -> "Collator":
        """The collator for a model with an objective's head, and for examples with these `keys`."""
        inputs = (name for name in model.input if name in keys or name in OPTIONAL)
        per_token = objective.per_token
        return cls(tuple(name for name in inputs if name not in per_token), per_token, tokenizer.padding)

    def sizes(self, example: Mapping[str, np.ndarray]) -> list[int]:
        """The number of ids in each input of an example."""
        return [len(example[name if name in example else self.inputs[0]]) for name in self.inputs]

    def pad(self, examples: Sequence[Mapping[str, np.ndarray]], shape: Iterable[int]) -> dict[str, np.ndarray]:
        """Collate examples into a batch: {key: (examples, ...) array}.

        Args:
            shape: the padded length of each of `inputs`.
        """
        batch = {name: self._input(examples, name, size) for name, size in zip(self.inputs, shape, strict=True)}
        time = batch[[name for name in self.inputs if name in TEXTS][-1]].shape[1]
        batch |= {key: pad_rows(examples, key, time, IGNORE) for key in self.per_token if key in examples[0]}
        fixed_size = [key for key in examples[0] if key not in batch and key not in OPTIONAL]
        return batch | {key: np.stack([example[key] for example in examples]) for key in fixed_size}

    def _input(self, examples, name, size):
        if name not in examples[0]:
            return np.zeros((len(examples), size), "int32")
        return pad_rows(examples, name, size, 0 if name in OPTIONAL else self.padding)


def pad_rows(examples: Sequence[Mapping[str, np.ndarray]], key: str, size: int, padding: int) -> np.ndarray:
    """Pad the 1-D arrays of one key: (examples, size) int32, filled up with `padding`."""
    array = np.full((len(examples), size), padding, "int32")
    for out, example in zip(array, examples, strict=True):
        out[: len(example[key])] = example[key]
    return array
