"""Fingerprints of a run's data: a run is resumed on the records with which it started, not on a file that changed."""

from pathlib import Path

from zoo.data.dataset import Dataset
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.training.run_record import RunRecord
from zoo.training.training_data import open_preset_dataset


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """{split: a hash of its content and of how it is read}."""
    return {split: dataset.fingerprint(split) for split in dataset.splits}


def check_unchanged(preset: Preset, record: RunRecord, source: Path) -> None:
    """Raise UserError, naming the file, where the data of a run that is resumed is not that of its start.

    Args:
        record: of the run; one of an older version has no fingerprints, and is not checked.
        source: the folder of the run.
    """
    if not record.fingerprints:
        return
    dataset = open_preset_dataset(preset)
    current = fingerprints(dataset)
    for split in record.fingerprints.keys() | current.keys():
        if record.fingerprints.get(split) != current.get(split):
            data = dataset.describe(split) if split in current else f"{preset.data.spec} without a {split} split"
            raise UserError(
                f"Expected the data with which the run in {source} started. Received: {data}, which has changed since. "
                f"Restore the data, or start again: {'--restart' if source.suffix == '.running' else '--force'}."
            )
