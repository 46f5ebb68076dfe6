"""The search space of hyperparameters: `log(1e-5,1e-3)`, `2..6` and `a,b,c` in place of a value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo import config
from zoo.presets import Preset
from zoo.runtime.errors import UserError

NUMBER = r"\s*([^,\s]+?)\s*"
LOG = re.compile(rf"log\({NUMBER},{NUMBER}\)")
LINEAR = re.compile(rf"{NUMBER}\.\.{NUMBER}")


@dataclass(frozen=True)
class Dimension:
    """A hyperparameter that is searched: a range of numbers, or choices."""

    path: str  # such as training.learning_rate
    text: str  # as it was written
    low: float = 0.0
    high: float = 0.0
    integer: bool = False  # whole numbers only
    log: bool = False  # sampled uniformly in the logarithm
    choices: tuple[str, ...] = ()

    def sample(self, trial: Any) -> str:
        """The override `path=value` for an `optuna.Trial`."""
        if self.choices:
            value = trial.suggest_categorical(self.path, self.choices)
        elif self.integer:
            value = trial.suggest_int(self.path, int(self.low), int(self.high), log=self.log)
        else:
            value = trial.suggest_float(self.path, self.low, self.high, log=self.log)
        return f"{self.path}={value:.6g}" if isinstance(value, float) else f"{self.path}={value}"


def search_space(preset: Preset, assignments: Sequence[str]) -> tuple[list[str], list[Dimension]]:
    """(overrides that are the same in every trial, dimensions of the search).

    Args:
        preset: with which the values are checked.
        assignments: strings such as `training.epochs=3` or `training.learning_rate=log(1e-5,1e-3)`. `;` separates
            choices of a field that is itself a list.

    Raises UserError for a range that is empty, for values of another type, and where nothing is searched.
    """
    parts = {text.partition("=")[0] for text in assignments if "." not in text.partition("=")[0]}
    parsed = [(text, _dimension(preset, text, parts)) for text in assignments]
    dimensions = [dimension for _, dimension in parsed if dimension]
    if not dimensions:
        raise UserError(
            "Expected a range to search, such as training.learning_rate=log(1e-5,1e-3), architecture.depth=2..6 or "
            f"training.schedule=linear,cosine. Received: {' '.join(assignments) or 'none'}."
        )
    return [text for text, dimension in parsed if not dimension], dimensions


def _dimension(preset, assignment, parts) -> Dimension | None:
    """The dimension of an assignment; None for one value. `parts` are those of the preset that are chosen anew."""
    path, _, text = assignment.partition("=")
    for pattern, log in ((LOG, True), (LINEAR, False)):
        if match := pattern.fullmatch(text.strip()):
            return _range(preset, path, text, match.groups(), log)
    separator = ";" if ";" in text else ","
    if separator not in text or (separator == "," and isinstance(_value(preset, path), list | tuple | dict)):
        return None
    choices = tuple(choice.strip() for choice in text.split(separator) if choice.strip())
    _check(preset, path, choices, parts)
    return Dimension(path, text, choices=choices)


def _range(preset, path, text, bounds, log):
    values: list[Any] = [_value(config.override(preset, [f"{path}={bound}"]), path) for bound in bounds]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise UserError(f"Expected a range of numbers for a field that is a number. Received: {path}={text}.")
    low, high = values
    if low >= high or (log and low <= 0):
        expected = "the lower number first, above 0 with log" if log else "the lower number first"
        raise UserError(f"Expected {expected}. Received: {path}={text}.")
    return Dimension(path, text, low, high, all(isinstance(value, int) for value in values), log)


def _check(preset, path, choices, parts):
    """Raise UserError for a choice that is no value of the field; one of another network is checked in its trial."""
    for choice in choices:
        if path.partition(".")[0] not in parts or "." not in path or _value(preset, path) is not None:
            config.override(preset, [f"{path}={choice}"])


def _value(preset, path):
    """The value of a field; None where the preset's own parts have no such field."""
    part, _, name = path.partition(".")
    return getattr(getattr(preset, part, None), name, None) if name else None
