"""The records of an evaluation: how many there are, of which split, and how many of them the model was trained on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.opening import without_split
from zoo.data.training_rows import hash_texts, is_same_data
from zoo.objectives import Objective
from zoo.presets import Preset
from zoo.runtime.console import console


def is_training_data(preset: Preset, data: Any) -> bool:
    """Whether a dataset spec is, apart from its #SPLIT, that of a preset: its missing splits were derived."""
    if not isinstance(data, str | Path) or not preset.data.spec:
        return False
    return is_same_data(without_split(str(data))[0], without_split(preset.data.spec)[0])


def count_training_rows(objective: Objective, records: Sequence[dict[str, Any]], training_rows: np.ndarray) -> int:
    """How many records have the texts of a training record, by the hashes of these."""
    if not len(training_rows):
        return 0
    hashes = [hash_texts(objective.tokenizer_texts(record)) for record in records]
    return int(np.isin(np.array(hashes, "uint64"), training_rows).sum())


def report(
    objective: Objective, description: str, records: Sequence[dict[str, Any]], training_rows: np.ndarray
) -> None:
    """Print which records are scored, and how many of them are training rows."""
    console.print(f"Scored records: {len(records)}, of {description}.", markup=False)
    if count := count_training_rows(objective, records, training_rows):
        share = "all of them" if count == len(records) else f"{count} of them"
        console.print(f"Warning: {share} are training rows of this model, by their texts. They raise the scores.")
