"""A training run, from records to a model folder; an unfinished run lives in `<folder>.running`."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import keras

from zoo.adapters.training import LoRATraining
from zoo.architectures import Architecture
from zoo.data.collate import Collator
from zoo.data.dataset import Dataset
from zoo.data.examples import Examples, key_types
from zoo.data.opening import open_dataset
from zoo.data.tokenization import tokenize_split
from zoo.layers.quantization import WEIGHT_TYPES
from zoo.objectives import Objective
from zoo.pipeline.pipeline import Pipeline, held_out, load, measure
from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder
from zoo.text.tokenizer import Tokenizer
from zoo.training import checkpoint
from zoo.training.environment import dtype_policy, set_seed
from zoo.training.finetuning import BlockFreezer
from zoo.training.fit import FitLoop
from zoo.training.model_card import write_card
from zoo.training.setup import (
    build_model,
    check_start,
    keep_exports,
    make_folder,
    match_tokenizer,
    resolve_preset,
    run_folders,
)


def train(
    preset: str | Preset,
    *,
    to: str | Path | None = None,
    data: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    resume: bool = False,
    restart: bool = False,
    overrides: Iterable[str] = (),
    init: str = "",
) -> Pipeline:
    """Train a preset and save a model folder, which `zoo.load` reads.

    Args:
        preset: a name of `zoo list presets`, or a `Preset`.
        to: the model folder; default `saved_models/<preset>`.
        data: a dataset spec in place of the preset's own.
        columns: {standard field: the data's name for it}, in place of the preset's own.
        resume: continue an unfinished run from its last checkpoint.
        restart: discard an unfinished run.
        overrides: strings such as `training.epochs=3`.
        init: warm start: a folder of the zoo, transformers or KerasHub, or `hf:OWNER/NAME` or `keras:PRESET`, whose
            network, weights and tokenizer take the place of the preset's own.

    Returns the trained `Pipeline`. Raises UserError for a mistake in the arguments or the data.
    """
    name, preset = resolve_preset(preset, data, columns, list(overrides), init)
    folder, running = run_folders(to, name)
    if resume and not running.is_dir() and folder.is_dir():
        console.print(f"{folder} is finished: nothing to resume.")
        return load(folder)
    check_start(running, preset, resume, restart)
    return TrainingRun(running, folder, preset, resume).run()


class TrainingRun:
    """A training run: data, tokenizer, model, `fit`, scores and the model folder, in this order.

    Args:
        running: the folder of the unfinished run.
        folder: the model folder to write.
        preset: with everything replaced that the user overrides.
        resume: whether to continue from the last checkpoint.
    """

    dataset: Dataset
    objective: Objective  # prepared: it knows the labels of the data
    tokenizer: Tokenizer
    architecture: Architecture  # with the tokenizer's vocabulary size
    model: keras.Model
    lora: LoRATraining | None
    freezer: BlockFreezer
    examples: Examples  # of the training split

    def __init__(self, running: Path, folder: Path, preset: Preset, resume: bool) -> None:
        self.running, self.folder, self.preset, self.resume = running, folder, preset, resume

    def run(self) -> Pipeline:
        """Train, score and save. Returns the trained pipeline."""
        self._load_data()
        self._train_tokenizer()
        self._build()
        self.freezer.quantize()
        self._tokenize()
        if not self.resume:  # not before: a mistake in the settings or the data leaves nothing behind
            make_folder(self.running, self.preset, self.tokenizer)
        self._fit()
        return self._finish()

    def _load_data(self):
        data = self.preset.data
        needs, split_strategy = self.preset.objective.needs(), self.preset.objective.split_strategy
        self.dataset = open_dataset(data.spec, data.columns, data.seed, data.errors, needs, split_strategy)
        if not {"train", "validation"} <= set(self.dataset.splits):
            splits = ", ".join(self.dataset.splits)
            raise UserError(
                f"Expected train and validation splits in {data.spec}. Received: only {splits}. "
                "Without #SPLIT, a missing validation split is derived."
            )
        self.objective = self.preset.objective.suit(self.preset.architecture).fit(self.dataset)
        self.objective.check_architecture(self.preset.architecture)

    def _train_tokenizer(self):
        if self.resume:
            self.tokenizer = Tokenizer.load(self.running / "tokenizer.json")
            return
        texts = (text for record in self.dataset.records("train") for text in self.objective.texts(record))
        self.tokenizer = self.preset.tokenizer.train(texts)
        first = next(self.dataset.records("train"))
        list(self.objective.examples([first], self.tokenizer))  # raises where the length has no room for special tokens

    def _build(self):
        training, lora = self.preset.training, self.preset.lora
        set_seed(training.seed)
        self.architecture = match_tokenizer(self.preset, self.tokenizer)
        load = not self.resume or lora.rank or self.preset.tuning.freeze  # a checkpoint has all weights but frozen ones
        with dtype_policy(training.precision):
            init = training.init if load else ""
            model, new = build_model(self.objective, self.architecture, init, self.tokenizer.vocabulary_size)
        self.lora = LoRATraining(model, self.architecture, lora, new) if lora.rank else None
        self.model = self.lora.model if self.lora else model
        self.freezer = BlockFreezer(self.preset.tuning, self.architecture, self.model)

    def _tokenize(self):
        cache = self.folder.parent / ".cache"
        folder = tokenize_split(self.dataset, "train", self.objective, self.tokenizer, cache)
        self.examples = Examples(folder, Collator.for_model(self.model, self.objective, self.tokenizer, key_types(folder)))
        rows, targets = map(self._arrays, (self.architecture.inputs()[0], "labels"))
        if not self.lora:  # the backbone is frozen
            self.architecture.adapt(self.model, rows, targets)

    def _arrays(self, key):
        return (self.examples.row(key, i) for i in range(len(self.examples)))

    def _fit(self):
        loop = FitLoop(self)
        self.validation, self.recorder = loop.validation, loop.recorder
        loop.run_stages()

    def _finish(self):
        """Restore the best weights, calibrate the threshold, score all splits and save the model folder."""
        checkpoint.assign(self.validation.variables, self.validation.best)
        self.weights_summary = self.freezer.summary()
        if self.preset.tuning.quantize != WEIGHT_TYPES[0]:
            self._restore_precision()
        self.freezer.freeze_up_to(-1)
        self.model = self.lora.merged() if self.lora else self.model
        preset = replace(self.preset, architecture=self.architecture, objective=self.objective)
        splits = held_out(self.dataset)
        self.sizes = {"train": len(self.examples)} | {split: len(records) for split, records in splits.items()}
        pipeline, *self.tables = measure(Pipeline(self.model, preset, self.tokenizer), splits)
        self.objective = pipeline.objective
        self._publish(pipeline)
        return pipeline

    def _restore_precision(self):
        """Build the network as it was before quantisation, with the trained weights."""
        trained = {weight.path: weight for weight in self.model.weights}
        self._build()
        for weight in self.model.weights:
            if weight.path in trained:
                weight.assign(trained[weight.path].value)

    def _publish(self, pipeline):
        with atomic_folder(self.folder) as folder:
            keep_exports(self.folder, folder)
            pipeline.write(folder)
            if self.lora:
                self.lora.save(folder, pipeline.preset)
            write_card(folder, pipeline, self)
            shutil.copy(self.running / "history.csv", folder)
            shutil.copytree(self.running / "logs", folder / "logs")
        if self.recorder.interrupted:
            console.print(f"Stopped by Ctrl-C and saved in {self.folder}. To continue: the same command with --resume.")
        else:
            shutil.rmtree(self.running)
