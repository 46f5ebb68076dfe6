"""Token selection for rows with different settings: logits processors, sampling and log-probabilities of each row.

Rows with the same logits processors are one group, whose numbers, such as temperatures, are stacked to (rows,) arrays:
a row's token is that which the same functions choose for the row alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.backend.shapes import power_of_two
from zoo.generation.batch_limits import MAX_TOP_LOGPROBS
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.history import History
from zoo.generation.logits_processors import next_state, process_logits, sample
from zoo.generation.noise import noise

SIZES = (1, 4, 16)  # rows to which a group is padded, so that few shapes are compiled
READ_HISTORY = {"repetition_penalty", "frequency_penalty", "presence_penalty", "no_repeat_ngram", "bad_words"}


class RowControls:
    """The logits processors of one row, split into numbers, which are stacked, and arrays, which a group shares.

    Args:
        config: the `GenerationConfig`.
        generated_tokens: tokens of the text that were generated before the context window slid.
        top_logprobs: number of most likely tokens whose log-probabilities are returned.
        constraint: `constraint_tensors` of the config, if they were made before.
    """

    def __init__(
        self, config: GenerationConfig, generated_tokens: int = 0, top_logprobs: int = 0, constraint: Any = None
    ):
        arrays = config.arrays(generated_tokens)
        self.numbers = {name: array for name, array in arrays.items() if getattr(array, "shape", None) == ()}
        self.shared = {name: array for name, array in arrays.items() if name not in self.numbers}
        key: list[Any] = [(name, _bytes(array)) for name, array in self.shared.items() if name != "constraint"]
        if config.constraint is not None:
            self.numbers["limit"] = arrays["constraint"]["limit"]
            self.shared["constraint"] = constraint or constraint_tensors(config)
            key.append(("constraint", id(config.constraint)))
        self.reads_history = not READ_HISTORY.isdisjoint(arrays)
        self.is_sampled, self.has_top = config.temperature > 0, top_logprobs > 0
        self.stop_ids = np.array(list(config.stop_ids) or [-1], "int32")
        self.key = (*key, *self.numbers, self.is_sampled, self.has_top, *config.stop_ids)


def constraint_tensors(config: GenerationConfig) -> dict[str, Any] | None:
    """The arrays of a config's constraint as tensors; None without a constraint."""
    return None if config.constraint is None else _tensors(config.constraint.arrays)


@dataclass(frozen=True)
class RowHistory:
    """The token history of one row.

    Attributes:
        controls: the `RowControls`.
        ids: the ids of the text, or of its context window, prompt included.
        new: how many of them are new.
        constraint_state: state in the table of the constraint.
        noise: for sampling, arguments of `zoo.generation.noise.noise`: (seed, key, repeat, step).
    """

    controls: RowControls
    ids: Sequence[int]
    new: int
    constraint_state: int = 0
    noise: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True)
class SelectedToken:
    """The next token of a row.

    Attributes:
        logprob: its log-probability under the model, in nats, before any logits processor.
        top: the likeliest (id, log-probability) pairs, best first, if asked for.
        constraint_state: the state after the token.
    """

    id: int
    logprob: float
    top: list[tuple[int, float]]
    constraint_state: int


class TokenSelector:
    """Selects the next tokens of rows with different settings.

    Attributes:
        compilations: how often the selection was compiled.
    """

    def __init__(self):
        self.compilations = 0
        self._select = backend.jit(_select, [], self._count_compilation, donate=False)

    def __call__(self, logits: Any, rows: Sequence[int], histories: Sequence[RowHistory]) -> list[SelectedToken]:
        """The next token of each row of `rows`, with its `histories`, from (batch, vocabulary) float32 logits."""
        groups: dict[tuple, list[int]] = {}
        for i, history in enumerate(histories):
            groups.setdefault(history.controls.key, []).append(i)
        selected = {}
        for members in groups.values():
            group = [histories[i] for i in members]
            selected |= zip(members, self._group(logits, [rows[i] for i in members], group), strict=True)
        return [selected[i] for i in range(len(histories))]

    def _group(self, logits, rows, group):
        size = next(size for size in (*SIZES, logits.shape[0]) if size >= len(group))
        padded = [*group, *[group[0]] * (size - len(group))]
        index = np.array([*rows, *[rows[0]] * (size - len(group))], "int32")
        arrays = self._select(logits, *_tensors((index, _history(padded), _controls(padded))))
        arrays = {name: ops.convert_to_numpy(array)[: len(group)].tolist() for name, array in arrays.items()}
        tops = [list(zip(*pair, strict=True)) for pair in zip(arrays.pop("top_ids"), arrays.pop("top"), strict=True)]
        columns = zip(arrays["token"], arrays["logprob"], tops, arrays["constraint_state"], strict=True)
        return [SelectedToken(*column) for column in columns]

    def _count_compilation(self):
        self.compilations += 1


def _history(group):
    length = power_of_two(max(len(history.ids) for history in group)) if group[0].controls.reads_history else 1
    tokens = np.zeros((len(group), length), "int32")
    if group[0].controls.reads_history:
        for row, history in zip(tokens, group, strict=True):
            row[: len(history.ids)] = history.ids
    return {
        "tokens": tokens,
        "count": np.array([len(history.ids) for history in group], "int32"),
        "new": np.array([history.new for history in group], "int32"),
        "stop_ids": group[0].controls.stop_ids,
        "constraint_state": np.array([history.constraint_state for history in group], "int32"),
    }


def _controls(group):
    first = group[0].controls
    numbers = {name: np.stack([row.controls.numbers[name] for row in group]) for name in first.numbers}
    processors = {name: array for name, array in first.shared.items() if name != "constraint"} | numbers
    if "constraint" in first.shared:
        processors["constraint"] = first.shared["constraint"] | {"limit": processors.pop("limit")}
    controls: dict[str, Any] = {"processors": processors}
    if first.is_sampled:
        seeds, keys, repeats, steps = zip(*(history.noise for history in group), strict=True)
        controls["noise"] = noise(seeds, keys, repeats, np.array(steps)[:, None])[:, 0]
    if first.has_top:
        controls["top"] = np.zeros(MAX_TOP_LOGPROBS, "int32")  # only the shape is used
    return controls


def _select(logits, rows, history, controls):
    logits, processors = ops.take(logits, rows, axis=0), controls["processors"]
    processed = process_logits(logits, History(**history), processors)
    token = sample(processed, controls["noise"]) if "noise" in controls else ops.argmax(processed, axis=-1)
    token, logprobs = ops.cast(token, "int32"), ops.log_softmax(logits)
    count = min(controls["top"].shape[0], logits.shape[1]) if "top" in controls else 0
    top, top_ids = ops.top_k(logprobs, count) if count else (logprobs[:, :0], logprobs[:, :0])
    logprob = ops.take_along_axis(logprobs, token[:, None], axis=1)[:, 0]
    state = next_state(history["constraint_state"], token, processors)
    return {"token": token, "logprob": logprob, "top": top, "top_ids": top_ids, "constraint_state": state}


def _bytes(tree):
    return tuple((array.shape, array.tobytes()) for array in map(np.asarray, keras.tree.flatten(tree)))


def _tensors(tree):
    return keras.tree.map_structure(ops.convert_to_tensor, tree)
