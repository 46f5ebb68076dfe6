"""The steps of a training run: data, tokenizer, model, `fit`, scores and the model folder."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras

from zoo import backend
from zoo.adapters.training import LoRATraining
from zoo.architectures import Architecture
from zoo.data.collate import Collator
from zoo.data.dataset import Dataset
from zoo.data.examples import Examples, key_types
from zoo.data.tokenization import TokenizedData, tokenize
from zoo.data.truncation import truncation_messages
from zoo.layers.quantization import WEIGHT_TYPES
from zoo.objectives import Objective
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.text.tokenizer import Tokenizer
from zoo.training import checkpoint
from zoo.training.baselines import BaselineData, with_baselines
from zoo.training.calibration import calibrate_and_score
from zoo.training.callbacks import Recorder, Validation
from zoo.training.compiling import CompileOptions
from zoo.training.data_fingerprint import check_unchanged, fingerprints
from zoo.training.distribution import check_equal, first_alone, is_writer
from zoo.training.environment import dtype_policy, set_seed
from zoo.training.finetuning import BlockFreezer
from zoo.training.fit import FitLoop
from zoo.training.loss_log import read_losses
from zoo.training.publishing import publish
from zoo.training.run_folders import open_folder, running_folder
from zoo.training.run_record import RunRecord
from zoo.training.run_result import RunResult
from zoo.training.setup import initial_model, match_tokenizer
from zoo.training.sharded_checkpoint import open_checkpoint
from zoo.training.tracking import Tracking, flat_scores, open_tracker
from zoo.training.training_data import load_data
from zoo.transforms.sharding import shard_weights

DEFAULT_OPTIONS = CompileOptions()  # AdamW and the objective's loss


class TrainingRun:
    """A training run: data, tokenizer, model, `fit`, scores and the model folder, in this order.

    Args:
        folder: the model folder to write.
        preset: with the user's overrides applied.
        resume: whether to continue from the last checkpoint.
        record: of the run so far.
        callbacks: of Keras, called after validation: `logs` has its scores as `val_NAME`.
        compiling: an optimizer, a loss and metrics in place of the run's own.
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

    def __init__(
        self,
        folder: Path,
        preset: Preset,
        resume: bool,
        record: RunRecord,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        compiling: CompileOptions = DEFAULT_OPTIONS,
    ) -> None:
        self.running, self.folder, self.preset, self.resume = running_folder(folder), folder, preset, resume
        self.reopens = resume and not self.running.is_dir()  # a finished run goes on
        self.source = folder if self.reopens else self.running  # of tokenizer and checkpoint, where the run is resumed
        self.record, self.callbacks, self.compiling = record, callbacks, compiling

    def run(self) -> Pipeline:
        """Train, score and save. Returns the trained pipeline."""
        if self.resume:
            check_unchanged(self.preset, self.record, self.source)
        self.data = data = load_data(self.preset, self.source / "tokenizer.json" if self.resume else None)
        self.dataset, self.objective, self.tokenizer = data.dataset, data.objective, data.tokenizer
        self.record = replace(self.record, fingerprints=fingerprints(data.dataset))
        check_equal("data", json.dumps(self.record.fingerprints))
        check_equal("tokenizer", self.tokenizer.identity)
        self._build()
        self.freezer.quantize()
        shard_weights(self.model)
        first_alone(self._tokenize)
        self._fit()
        return self._finish()

    def _build(self):
        training, lora = self.preset.training, self.preset.lora
        set_seed(training.seed)
        self.architecture = self.data.vectors.resize(match_tokenizer(self.preset, self.tokenizer))
        load = not self.resume or lora.rank or self.preset.tuning.freeze  # a checkpoint has all weights but frozen ones
        with dtype_policy(training.precision):
            init = training.init if load else ""
            model, new = initial_model(self.objective, self.architecture, init, self.tokenizer.vocabulary_size)
        self.data.vectors.assign(model, self.architecture)
        self.lora = LoRATraining(model, self.architecture, lora, new) if lora.rank else None
        self.model = self.lora.model if self.lora else model
        self.freezer = BlockFreezer(self.preset.tuning, self.architecture, self.model)

    def _tokenize(self):
        cache = self.folder.parent / ".cache"
        self.tokenized = tokenize(self.dataset, self.objective, self.tokenizer, cache)
        for message in truncation_messages(self.tokenized.train):
            console.print(message)
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
        if self.reopens:
            loop.length.check_longer(open_checkpoint(self.folder))
        self.tracker = open_tracker(self.preset, self.folder.name)
        self.callbacks = [*self.callbacks, *([Tracking(self.tracker, self.recorder)] if self.tracker else [])]
        # only now: a mistake in the settings or the data leaves no folder behind
        if is_writer():
            open_folder(self.folder, self.preset, self.tokenizer, self.record, self.resume)
        backend.synchronize()
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
        with backend.whole_weights(self.model.variables):
            if is_writer():
                publish(result, self.running, self.lora)
        backend.synchronize()
        if self.tracker:
            self.tracker.finish(flat_scores(result.pipeline.scores))
        return result.pipeline

    def _score(self):
        """The result of the run: the pipeline, calibrated and scored on the held-out splits."""
        preset = replace(self.preset, architecture=self.architecture, objective=self.objective)
        records, pipeline = self.tokenized.records, Pipeline(self.model, preset, self.tokenized.tokenizer)
        pipeline, per_class, confusion_matrix, decisions = calibrate_and_score(pipeline, records, self.dataset.describe)
        pipeline = with_baselines(pipeline, BaselineData(self.data.sample, records, self.examples, pipeline.tokenizer))
        return RunResult(
            folder=self.folder,
            pipeline=replace(
                pipeline, tokenizer=self.tokenizer, folder=self.folder, training_rows=self.data.training_rows
            ),
            dataset=self.dataset,
            examples=len(self.examples),
            splits=records,
            per_class=per_class,
            confusion_matrix=confusion_matrix,
            decisions=decisions,
            history=self.recorder.rows,
            losses=read_losses(self.running),
            best_epoch=self.recorder.rows[self.validation.best_index]["epoch"],
            weights=self.weights_summary,
            record=self.record.completed(self.recorder.rows, self.recorder.interrupted),
        )

    def _restore_precision(self):
        """Rebuild the network without quantised weights, and copy the trained weights to it."""
        trained = {weight.path: weight for weight in self.model.weights}
        self._build()
        for weight in self.model.weights:
            if weight.path in trained:
                weight.assign(trained[weight.path].value)
