"""Advice at the start of fine-tuning: a learning rate that is too high, and bfloat16 where the CPU computes in it."""

from collections.abc import Iterator

from zoo.presets import Preset
from zoo.runtime.console import console

HIGHEST_RATE = 5e-4  # of pretrained weights that are all trained: Devlin 2018, arXiv:1810.04805, has 5e-5 for BERT-base


def print_start_advice(preset: Preset, bfloat16: bool) -> None:
    """Print the advice on the settings of a run, a line each, on standard error.

    Args:
        bfloat16: whether training in bfloat16 is faster here: see `zoo.training.hardware`.
    """
    for line in start_advice(preset, bfloat16):
        console.print(line, markup=False)


def start_advice(preset: Preset, bfloat16: bool) -> Iterator[str]:
    """Advice on the settings of a run. Args: as of `print_start_advice`."""
    training, all_weights = preset.training, not preset.lora.rank and not preset.tuning.freeze
    if not training.init:
        return
    if all_weights and training.learning_rate > HIGHEST_RATE:
        yield (
            f"training.learning_rate={training.learning_rate:g} is high for pretrained weights where all are trained: "
            "2e-5 to 2e-4 is usual. A higher one suits LoRA (lora.rank=8) or a head alone (tuning.freeze=backbone)."
        )
    if bfloat16 and training.precision == "float32":
        yield "This processor computes in bfloat16: training.precision=mixed_bfloat16 takes about half the time."
