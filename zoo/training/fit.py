"""The training loop: `keras.Model.fit` in stages, each with its frozen blocks and their cached features."""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Protocol

import keras

from zoo import backend
from zoo.architectures import Architecture
from zoo.data.batches import Batches
from zoo.data.contiguous import ContiguousBatches
from zoo.data.dataset import Dataset
from zoo.data.examples import Examples
from zoo.data.packing import PackedExamples
from zoo.data.tokenization import TokenizedData
from zoo.objectives import Objective
from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.runtime.interrupts import defer_interrupt
from zoo.text.tokenizer import Tokenizer
from zoo.training import checkpoint
from zoo.training.cached_features import CachedFeatures, CachedPredictor
from zoo.training.callbacks import Recorder, StopAfter, Validation
from zoo.training.compiling import CompileOptions
from zoo.training.distribution import check_rows, is_writer
from zoo.training.environment import keep_freed_memory
from zoo.training.finetuning import BlockFreezer
from zoo.training.loss_log import LossLog
from zoo.training.progress import ProgressBar
from zoo.training.run_length import RunLength
from zoo.training.sharded_checkpoint import open_checkpoint
from zoo.transforms.frozen import freeze_layers, split_frozen
from zoo.transforms.packed import pack_model
from zoo.transforms.remat import remat_blocks
from zoo.transforms.stateful import make_stateful


class Run(Protocol):
    """What the training loop reads of a run, such as a `zoo.training.training_run.TrainingRun`."""

    running: Path  # folder of the unfinished run
    preset: Preset
    dataset: Dataset
    objective: Objective
    tokenizer: Tokenizer
    architecture: Architecture
    model: keras.Model
    freezer: BlockFreezer
    tokenized: TokenizedData
    examples: Examples  # of the training split
    callbacks: Sequence[keras.callbacks.Callback]  # called last
    compiling: CompileOptions


class FitLoop:
    """The training loop of a run, from its last checkpoint on.

    It counts batches: see `RunLength`. An interval between two validations is an epoch of `keras.Model.fit`.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.freezer, training = run, run.freezer, run.preset.training
        self.network, self.examples, batch_type = self._training_form()
        self.batches = batch_type(
            self.examples, run.objective, training.batch_size, training.accumulation, training.seed
        )
        check_rows(self.batches.rows, training)
        self.length = RunLength(training, len(self.batches))
        variables, data = self._variables(), run.tokenized
        records = data.records["validation"]
        self.validation = Validation(run.model, variables, run.objective, data.tokenizer, records, training.patience)
        self.recorder = Recorder(run.running, variables, self.validation, self.length, run.compiling.names())

    def _training_form(self):
        """(model, examples, type of batches) to train with: the network itself, or its stateful or packed form."""
        run, training = self.run, self.run.preset.training
        if run.objective.stateful:
            return make_stateful(run.model, training.batch_size), run.examples, ContiguousBatches
        if training.packed_length:
            network = pack_model(run.model)
            return network, PackedExamples(run.examples, network, training.packed_length), Batches
        return run.model, run.examples, Batches

    def _variables(self):
        """Variables that training may change: all but frozen weights, which a resumed run builds or loads again."""
        frozen = {id(weight) for weight in self.run.model.weights if not weight.trainable}
        return [v for v in checkpoint.unique_variables(self.run.model, self.network) if id(v) not in frozen]

    def run_stages(self) -> None:
        """Train to the end, or until early stopping or Ctrl-C."""
        done = self._resume()
        stages = self.freezer.stages(self.length.intervals, self.length.interval / self.length.epoch)
        self.freezer.freeze_up_to(stages[0][0])
        self._report()
        for block, first, end in stages:
            if first * self.length.interval <= done < min(end * self.length.interval, self.length.total):
                self._prepare(block, first, end, done)
                done = self._fit(done, end)

    def _resume(self):
        """Restore the last checkpoint: number of batches that it has completed, or all after early stopping."""
        saved = open_checkpoint(self.run.running)
        if saved is None:
            return 0
        self.run.compiling.check_resumed(saved)
        longer = self.length.is_longer(saved)
        self.validation.resume(saved, longer)
        self.recorder.resume(saved)
        done = self.recorder.done
        console.print(f"Resumed after epoch {self.length.epochs_of(done)}.")
        if longer:
            self.length.report_longer(done, self.recorder.rows[-1]["learning_rate"])
        return self.length.total if saved.progress["stopped"] and not longer else done

    def _prepare(self, block, first, end, done):
        """Prepare a stage, intervals `first` to `end`, with blocks up to `block` frozen, after `done` batches."""
        self.recorder.random_state = backend.random_state() if first else None  # building a model changes it
        self.freezer.freeze_up_to(block)
        if first:
            epoch = first * self.length.interval // self.length.epoch + 1
            console.print(f"From epoch {epoch} on: {self.freezer.summary()}.")
        passes = (end - first) * self.length.interval / self.length.epoch
        model, examples, predictor = self._stage(self.freezer.layer_names(block), passes)
        if self.run.preset.training.remat:
            model = remat_blocks(model, self.run.architecture.blocks)
        self.model, self.batches.examples, self.validation.predict_batch = model, examples, predictor
        lr_scales, offset = self.freezer.lr_scales, first * self.length.interval
        training, compiling = self.run.preset.training, self.run.compiling
        compiling.compile_stage(self.run.objective, model, training, self.length.total, lr_scales, offset)
        backend.set_train_function(model, self.length.total // len(self.batches.buckets))
        self.recorder.same_optimizer = done > first * self.length.interval  # each stage has a new optimizer

    def _stage(self, frozen, passes):
        """(model to train, its examples, predictor of validation batches or None) with the layers `frozen`.

        Features of frozen layers are cached where a stage makes several passes over the same inputs: one example a row,
        neither packed nor stateful, and without random masks.
        """
        run = self.run
        if not frozen:
            return self.network, self.examples, None
        repeated = self.network is run.model and not run.objective.dynamic and "tokens" in run.architecture.inputs()
        if passes <= 1 or not repeated or backend.process_count() > 1:  # the cache is written by one process
            return freeze_layers(self.network, frozen), self.examples, None
        lower, upper = split_frozen(run.model, frozen)
        folder, start = run.running / f"features_{len(frozen)}", time.monotonic()
        folder.mkdir(exist_ok=True)
        features = CachedFeatures(run.examples, lower, run.objective, run.tokenizer, folder / "training")
        console.print(f"Features of {len(features)} examples from the frozen layers: {time.monotonic() - start:.1f} s.")
        return upper, features, CachedPredictor(lower, upper, folder / "validation")

    def _fit(self, done, end):
        """Train from `done` batches to the interval `end`; returns the batches then done, all once training stopped."""
        remaining = -done % self.length.interval  # of an interval in which a shorter run ended
        parts = [(remaining, 1)] if remaining else []
        parts.append((self.length.interval, end - -(-done // self.length.interval)))
        deferred = defer_interrupt(self._stop) if backend.process_count() == 1 else nullcontext()
        with keep_freed_memory(), deferred:
            for steps, count in parts:
                if count:
                    self._fit_intervals(steps, count)
                if self.model.stop_training:
                    return self.length.total
        return end * self.length.interval

    def _fit_intervals(self, steps, count):
        """Train `count` intervals of `steps` batches, each with its validation."""
        done = self.recorder.done
        stream = partial(self._inputs, done)
        reports = []
        if is_writer():
            losses = LossLog(self.run.running, self.length, done, self.recorder.events)
            reports = [ProgressBar(self.run.objective.monitor, self.length, done), losses]
        self.model.fit(
            backend.fit_input(stream, next(stream())),
            steps_per_epoch=steps,
            epochs=count,
            shuffle=False,
            verbose=0,
            callbacks=[
                StopAfter(self.length.total, done),
                self.validation,
                *reports,
                self.recorder,
                *self.run.callbacks,
            ],
        )

    def _stop(self):
        self.recorder.interrupted = self.model.stop_training = True
        console.print("Ctrl-C: stopping after this batch, then validating and saving. Again to stop at once.")

    def _inputs(self, step) -> Iterator[tuple]:
        """Batches from index `step` on, with the inputs of the trained model."""
        for inputs, *targets in self.batches.stream(step):
            yield backend.local_batch(({name: inputs[name] for name in self.model.input}, *targets))

    def _report(self):
        shapes, padding = self.batches.shapes()
        data, tokenizer = self.run.dataset, self.run.tokenizer
        sizes = f"{len(self.examples)} training and {len(self.validation.records)} validation"
        console.print(
            f"{data.spec}: {sizes} examples; vocabulary {tokenizer.vocabulary_size}; "
            f"{self.freezer.summary()}; {self.length.describe()} in {shapes} lengths, {padding:.0%} padding."
        )
        if data.derived_splits:
            console.print(f"Derived from the training records: {', '.join(map(data.describe, data.derived_splits))}.")
