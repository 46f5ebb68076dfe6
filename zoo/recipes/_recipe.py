"""The contract of a recipe: it chooses the settings of a preset from dataset statistics and the machine's resources."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from zoo.architectures import Architecture
from zoo.data.statistics import DataStatistics, LengthPercentiles
from zoo.presets import Preset

OPERATIONS = 6  # floating-point operations for each weight and token of training: 2 forward, 4 backward
CORE_FLOPS = 50e9  # floating-point operations a second of a CPU core, training a Transformer in float32
BFLOAT16_SPEED = 2.2  # of a CPU that computes in bfloat16, over float32
GPU_FLOPS = 20e12
CPU_STEP, GPU_STEP = 0.05, 0.01  # seconds of an optimizer step, besides the products of matrices
MARGIN = 0.85  # share of the time budget that an estimate may fill


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The resources of a run: pretrained weights, a time budget and the processor."""

    init: str = ""  # pretrained weights, as of `zoo.train`; "": training from scratch
    name: str = ""  # of the pretrained weights, for messages
    requested: bool = False  # whether the user asked for these weights
    pretrained: Architecture | None = None  # the network of `init`
    tokens_per_word: float = 1.3  # of the tokenizer of `init`, on the data
    budget: float = 600.0  # seconds of training
    cores: int = 2  # of the CPU
    gpu: bool = False
    bfloat16: bool = False  # whether the processor computes in bfloat16

    @property
    def precision(self) -> str:
        """The dtype policy of fine-tuning."""
        return "mixed_bfloat16" if self.bfloat16 else "float32"

    def seconds(self, weights: int, tokens: int, steps: int = 1, precision: str = "float32") -> float:
        """The estimated time of training so many weights of matrices on so many tokens, in so many optimizer steps."""
        if self.gpu:
            return OPERATIONS * weights * tokens / GPU_FLOPS + steps * GPU_STEP
        speed = BFLOAT16_SPEED if precision != "float32" else 1.0
        return OPERATIONS * weights * tokens / (self.cores * CORE_FLOPS * speed) + steps * CPU_STEP

    def epochs(self, seconds: float, most: int) -> int:
        """The number of epochs of so many seconds that the budget allows, at most `most`."""
        return max(0, min(most, int(MARGIN * self.budget / max(seconds, 1e-3))))


@dataclass(frozen=True)
class Choice:
    """A preset that a recipe has chosen, with the reasons, a phrase each."""

    preset: Preset
    reasons: tuple[str, ...]


class Recipe(ABC):
    """A preset for the user's own data: `choose` returns the settings that suit the data and the machine."""

    fields: ClassVar[tuple[str, ...]]  # standard fields that the records need
    split_strategy: ClassVar[str] = "spread"  # as of the objective

    def fields_of(self, available: Collection[str]) -> tuple[str, ...]:
        """The fields that records need where the data has the fields `available`."""
        return self.fields

    @abstractmethod
    def choose(self, data: DataStatistics, resources: Resources) -> Choice:
        """The preset for data with these statistics, and why."""


def train_from_scratch(preset: Preset, seconds: float, resources: Resources, reasons: Sequence[str]) -> Choice:
    """The choice of a preset with random weights, for at most its epochs and as many as the time budget allows.

    Args:
        seconds: of an epoch, estimated.
        reasons: why there are no pretrained weights, and the network.
    """
    epochs = max(1, resources.epochs(seconds, preset.training.epochs))
    preset = replace(preset, training=replace(preset.training, epochs=epochs))
    return Choice(preset, (f"trains from scratch: {reasons[0]}", *reasons[1:], f"up to {duration(epochs, seconds)}"))


def duration(epochs: int, seconds: float) -> str:
    """The length of a run in words, "3 epochs of about 20 s"."""
    return f"{epochs} epoch{'s' * (epochs > 1)} of about {max(seconds, 1):.0f} s"


def total_lengths(data: DataStatistics, fields: Sequence[str], unit: str = "words") -> LengthPercentiles:
    """The sums of the length percentiles of several fields of a record, in "words" or "characters"."""
    lengths = [getattr(data, unit)[name] for name in fields if name in getattr(data, unit)]
    return LengthPercentiles(
        sum(item.median for item in lengths), sum(item.p95 for item in lengths), sum(item.longest for item in lengths)
    )


def maximum_length(lengths: LengthPercentiles, per_unit: float = 1.0, extra: int = 2, limit: int = 100_000) -> int:
    """A maximum length in tokens: of the longest text where it is within twice the 95th percentile, else of that.

    Args:
        per_unit: tokens of a word, or of a character.
        extra: special tokens.
        limit: of the network.
    """
    longest = lengths.longest if lengths.longest <= 2 * lengths.p95 else lengths.p95
    tokens = round(longest * per_unit) + extra
    return min(-(-tokens // 8) * 8, limit)


def epochs_for(steps: int, batch_size: int, rows: int, least: int, most: int) -> int:
    """The number of epochs in which so many rows make so many optimizer steps, from `least` to `most`."""
    return max(least, min(round(steps * batch_size / max(rows, 1)), most))


def training_rows(data: DataStatistics) -> int:
    """The number of training rows."""
    return data.rows.get("train", 0)


def matrix_weights(network: Any) -> int:
    """The number of weights of a network's matrices, without embeddings, estimated from its hyperparameters."""
    width = getattr(network, "width", 256)
    hidden = getattr(network, "hidden", 4 * width)
    return getattr(network, "depth", 1) * (4 * width**2 + 2 * width * hidden)
