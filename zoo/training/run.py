"""A training run, from records to a model folder; an unfinished run is in `<folder>.running`."""

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
from zoo.data.tokenization import TokenizedData, tokenize
from zoo.layers.quantization import WEIGHT_TYPES
from zoo.objectives import Objective
from zoo.pipeline.model_folder import load
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.runtime.files import atomic_folder
from zoo.text.tokenizer import Tokenizer
from zoo.training import checkpoint
from zoo.training.calibration import calibrate_and_score
from zoo.training.callbacks import Recorder, Validation
from zoo.training.environment import dtype_policy, set_seed
from zoo.training.finetuning import BlockFreezer
from zoo.training.fit import FitLoop
from zoo.training.model_card import write_card
from zoo.training.run_result import RunResult
from zoo.training.setup import (
    check_start,
    initial_model,
    keep_exports,
    make_folder,
    match_tokenizer,
    resolve_preset,
    run_folders,
)
from zoo.training.training_data import load_data


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
        preset: with the user's overrides applied.
        resume: whether to continue from the last checkpoint.
    """

    dataset: Dataset
    objective: Objective  # prepared: it knows the labels of the data
    tokenizer: Tokenizer
    architecture: Architecture  # with the tokenizer's vocabulary size
    model: keras.Model
    lora: LoRATraining | None
    freezer: BlockFreezer
    tokenized: TokenizedData
    examples: Examples  # of the training split
    validation: Validation
    recorder: Recorder
    weights_summary: str  # number of weights, trainable and frozen, as text

    def __init__(self, running: Path, folder: Path, preset: Preset, resume: bool) -> None:
        self.running, self.folder, self.preset, self.resume = running, folder, preset, resume

    def run(self) -> Pipeline:
        """Train, score and save. Returns the trained pipeline."""
        data = load_data(self.preset, self.running / "tokenizer.json" if self.resume else None)
        self.dataset, self.objective = data.dataset, data.objective
        self.tokenizer, self.training_rows = data.tokenizer, data.training_rows
        self._build()
        self.freezer.quantize()
        self._tokenize()
        if not self.resume:  # only now: a mistake in the settings or the data leaves no folder behind
            make_folder(self.running, self.preset, self.tokenizer)
        self._fit()
        return self._finish()

    def _build(self):
        training, lora = self.preset.training, self.preset.lora
        set_seed(training.seed)
        self.architecture = match_tokenizer(self.preset, self.tokenizer)
        load = not self.resume or lora.rank or self.preset.tuning.freeze  # a checkpoint has all weights but frozen ones
        with dtype_policy(training.precision):
            init = training.init if load else ""
            model, new = initial_model(self.objective, self.architecture, init, self.tokenizer.vocabulary_size)
        self.lora = LoRATraining(model, self.architecture, lora, new) if lora.rank else None
        self.model = self.lora.model if self.lora else model
        self.freezer = BlockFreezer(self.preset.tuning, self.architecture, self.model)

    def _tokenize(self):
        cache = self.folder.parent / ".cache"
        self.tokenized = tokenize(self.dataset, self.objective, self.tokenizer, cache)
        keys = key_types(self.tokenized.train)
        collator = Collator.for_model(self.model, self.objective, self.tokenizer, keys)
        self.examples = Examples(self.tokenized.train, collator)
        if not self.lora:  # with LoRA the backbone is frozen
            inputs, labels = self._arrays(self.architecture.inputs()[0]), self._arrays("labels")
            self.architecture.adapt(self.model, inputs, labels)

    def _arrays(self, key):
        """Iterate over the array of that key of each training example."""
        return (self.examples.row(key, i) for i in range(len(self.examples)))

    def _fit(self):
        loop = FitLoop(self)
        self.validation, self.recorder = loop.validation, loop.recorder
        loop.run_stages()

    def _finish(self):
        """Restore the best weights, calibrate the threshold, score all splits and save the model folder."""
        checkpoint.assign(self.validation.variables, self.validation.best or ())
        self.weights_summary = self.freezer.summary()
        if self.preset.tuning.quantize != WEIGHT_TYPES[0]:
            self._restore_precision()
        self.freezer.freeze_up_to(-1)
        self.model = self.lora.merged() if self.lora else self.model
        result = self._score()
        self._publish(result)
        return result.pipeline

    def _score(self):
        """The result of the run: the pipeline, calibrated and scored on the held-out splits."""
        preset = replace(self.preset, architecture=self.architecture, objective=self.objective)
        pipeline, per_class, confusion_matrix = calibrate_and_score(
            Pipeline(self.model, preset, self.tokenized.tokenizer), self.tokenized.records
        )
        return RunResult(
            folder=self.folder,
            pipeline=replace(pipeline, tokenizer=self.tokenizer, training_rows=self.training_rows),
            dataset=self.dataset,
            sizes={"train": len(self.examples)} | {name: len(split) for name, split in self.tokenized.records.items()},
            per_class=per_class,
            confusion_matrix=confusion_matrix,
            history=self.recorder.rows,
            best_epoch=self.validation.best_epoch + 1,
            weights=self.weights_summary,
        )

    def _restore_precision(self):
        """Rebuild the network without quantised weights, and copy the trained weights to it."""
        trained = {weight.path: weight for weight in self.model.weights}
        self._build()
        for weight in self.model.weights:
            if weight.path in trained:
                weight.assign(trained[weight.path].value)

    def _publish(self, result):
        """Write the model folder atomically, then remove the folder of the run, unless Ctrl-C ended the run."""
        with atomic_folder(self.folder) as folder:
            keep_exports(self.folder, folder)
            result.pipeline.save(folder)
            if self.lora:
                self.lora.save(folder, result.pipeline.preset)
            write_card(folder, result)
            shutil.copy(self.running / "history.csv", folder)
            shutil.copytree(self.running / "logs", folder / "logs")
        if self.recorder.interrupted:
            console.print(f"Stopped by Ctrl-C and saved in {self.folder}. To continue: the same command with --resume.")
        else:
            shutil.rmtree(self.running)
