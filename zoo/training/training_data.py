"""The first pass over the training data: labels, checks of every record, and the texts of the tokenizer at once."""

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.dataset import Dataset
from zoo.data.opening import open_dataset
from zoo.data.record_sample import RecordSample
from zoo.data.row_report import naming_skip
from zoo.data.training_rows import hash_texts, unique_hashes
from zoo.objectives import Objective
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer
from zoo.training.word_embeddings import StartVectors, check_word_vectors, read_vectors, with_frequent_words


@dataclass(frozen=True)
class LoadedData:
    """The dataset of a preset, with the objective, the tokenizer and the word vectors that its records determine."""

    dataset: Dataset
    objective: Objective  # prepared: it knows the labels
    tokenizer: Tokenizer
    vectors: StartVectors  # pretrained vectors of its words
    training_rows: np.ndarray  # hashes of the training records: see `zoo.data.training_rows`
    sample: RecordSample  # of the training records, for the baselines


def load_data(preset: Preset, tokenizer_path: Path | None = None) -> LoadedData:
    """Open a preset's dataset and read each of its records once.

    Args:
        tokenizer_path: of a trained tokenizer, which is loaded instead of trained.

    Raises UserError for a mistake in the data, and for an objective that the architecture cannot serve.
    """
    preset.objective.check_architecture(preset.architecture)
    with naming_skip():
        return _load_data(preset, tokenizer_path)


def _load_data(preset, tokenizer_path):
    objective = preset.objective
    check_word_vectors(preset)
    dataset = open_preset_dataset(preset)
    _check_splits(dataset, preset.data.spec)
    records = _Records(dataset, objective, objective.preparation(preset.architecture))
    if tokenizer_path:
        tokenizer = Tokenizer.load(tokenizer_path)
    else:
        tokenizer = with_frequent_words(preset, preset.tokenizer.train(records.texts))
    deque(records.texts, maxlen=0)  # read the rest: some tokenizers are not trained on texts
    objective = records.preparation.finish(dataset.describe)
    # raises where the length has no room for special tokens
    list(objective.examples([records.first_record], tokenizer))
    vectors = read_vectors(preset, dataset, objective, tokenizer)
    return LoadedData(dataset, objective, tokenizer, vectors, unique_hashes(records.hashes), records.sample)


def open_preset_dataset(preset: Preset) -> Dataset:
    """Open the dataset of a preset, with the fields and derived splits that its objective needs.

    Raises UserError where the data cannot be read.
    """
    data, objective = preset.data, preset.objective
    fields = objective.fields
    return open_dataset(
        data.spec,
        data.columns,
        data.seed,
        data.errors,
        fields.required,
        objective.split_strategy,
        fields.optional,
        data.skip_invalid,
        objective.check_record,
    )


def _check_splits(dataset, spec):
    if not {"train", "validation"} <= set(dataset.splits):
        raise UserError(
            f"Expected train and validation splits in {spec}. Received: only {', '.join(dataset.splits)}. "
            "Without #SPLIT, a missing validation split is derived."
        )


class _Records:
    """All records of a dataset, visited once while `texts`, the training texts for the tokenizer, is iterated."""

    def __init__(self, dataset, objective, preparation):
        self.preparation, self.first_record, self.hashes = preparation, None, array("Q")
        self.sample = RecordSample()
        self.texts: Iterator[str] = self._visit(dataset, objective)

    def _visit(self, dataset, objective):
        for split, location, record in dataset.visit():
            self.preparation.add(split, location, record)
            if split == "train":
                self.first_record = self.first_record or record
                self.sample.add(record)
                texts = objective.tokenizer_texts(record)
                self.hashes.append(hash_texts(texts))
                yield from texts
