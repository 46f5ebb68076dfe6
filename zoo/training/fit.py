"""`fit` in stages: in each the same blocks are frozen, and what these make of the examples is computed once."""

import time
from functools import partial

from zoo import backend
from zoo.data.batches import Batches
from zoo.runtime.console import console
from zoo.training import checkpoint
from zoo.training.cached_features import CachedFeatures, CachedPredictor
from zoo.training.callbacks import Recorder, StopAfter, Validation
from zoo.training.environment import memory_kept, until_interrupted
from zoo.training.optimizer import optimizer
from zoo.training.progress import ProgressBar
from zoo.transforms.frozen import cut, still
from zoo.transforms.packed import PackedExamples, packed
from zoo.transforms.stateful import ContiguousBatches, carried


class FitLoop:
    """The training of a `TrainingRun`'s model on its examples, from the last checkpoint on where there is one.

    Epochs are those of `keras.Model.fit`, each of `steps` batches with a validation at its end.
    """

    def __init__(self, run):
        self.run, self.tuner, training = run, run.tuner, run.preset.training
        self.twin, self.examples, batches = self._twin()
        self.batches = batches(self.examples, run.objective, training.batch, training.accumulation, training.seed)
        self.total = training.steps * training.accumulation or training.epochs * len(self.batches)
        self.steps = min(training.interval * training.accumulation or len(self.batches), self.total)
        self.epochs = -(-self.total // self.steps)
        variables, records = self._learned(), list(run.dataset.records("validation"))
        self.validate = Validation(run.model, variables, run.objective, run.tokenizer, records, training.patience)
        self.record = Recorder(run.running, variables, self.validate, self.steps)

    def _twin(self):
        """(model, examples, kind of batches) to train with: the network on its examples, or a twin of it."""
        run, training = self.run, self.run.preset.training
        if getattr(run.objective, "carry", False):
            return carried(run.model, training.batch), run.examples, ContiguousBatches
        if training.packing:
            twin = packed(run.model)
            return twin, PackedExamples(run.examples, twin, training.packing), Batches
        return run.model, run.examples, Batches

    def _learned(self):
        """Variables that training may change: frozen weights are drawn, or loaded, as they were."""
        frozen = {id(weight) for weight in self.run.model.weights if not weight.trainable}
        return [v for v in checkpoint.together(self.run.model, self.twin) if id(v) not in frozen]

    def go(self):
        """Train to the end, or until patience or Ctrl-C ends it."""
        done = self._resume()
        stages = self.tuner.stages(self.epochs, self.steps / len(self.batches))
        self.tuner.hold(stages[0][0])
        self._say()
        for held, first, end in stages:
            if first <= done < end:
                self._prepare(held, first, end, done)
                done = self._fit(done, end)

    def _resume(self):
        """How many epochs a checkpoint had done, or all where it had stopped early."""
        path = self.run.running / "checkpoint.npz"
        if not path.is_file():
            return 0
        found = checkpoint.Checkpoint(path)
        self.validate.resume(found)
        self.record.resume(found)
        console.print(f"Resumed after epoch {len(self.record.rows)}.")
        return self.epochs if found.progress["stopped"] else len(self.record.rows)

    def _prepare(self, held, first, end, done):
        """Get ready for epoch `done`, of a stage from `first` to `end` in which blocks up to `held` are frozen."""
        self.record.random = backend.random_state() if first else None  # drawing draws from it
        self.tuner.hold(held)
        if first:
            console.print(f"From epoch {first + 1} on: {self.tuner.count()}.")
        passes = (end - first) * self.steps / len(self.batches)
        self.model, self.batches.examples, self.validate.answer = self._stage(self.tuner.names(held), passes)
        training, begun = self.run.preset.training, first * self.steps
        self.run.objective.compile(self.model, optimizer(training, self.model, self.total, self.tuner.paces, begun))
        self.record.continues = done > first  # an optimizer begins anew with each stage

    def _stage(self, frozen, passes):
        """(model to train, its examples, what answers for the network in validation) where layers are `frozen`.

        What these make of the examples is computed once where they are to be read more than once, and are the same each
        time: one text each, not packed, not read on from batch to batch, with nothing hidden at random.
        """
        run = self.run
        if not frozen:
            return self.twin, self.examples, None
        alike = self.twin is run.model and not run.objective.varied and "tokens" in run.architecture.inputs()
        if passes <= 1 or not alike:
            return still(self.twin, frozen), self.examples, None
        lower, upper = cut(run.model, frozen)
        folder, began = run.running / f"features_{len(frozen)}", time.monotonic()
        folder.mkdir(exist_ok=True)
        features = CachedFeatures(self.examples, lower, run.objective, run.tokenizer, folder / "training")
        console.print(f"Features of {len(features)} examples from the frozen layers: {time.monotonic() - began:.1f} s.")
        return upper, features, CachedPredictor(lower, upper, folder / "validation")

    def _fit(self, done, end):
        """Train from epoch `done` to `end`; returns the epoch to go on from: beyond the last one where all is over."""
        stream = partial(self._inputs, done * self.steps)
        bar = ProgressBar(self.run.objective.watch, self.steps, self.epochs, done)
        callbacks = [StopAfter(self.total, self.steps), self.validate, bar, self.record]
        with memory_kept(), until_interrupted(self.model, self.record):
            self.model.fit(
                backend.feed(stream, next(stream())),
                steps_per_epoch=self.steps,
                epochs=end,
                initial_epoch=done,
                shuffle=False,
                verbose=0,
                callbacks=callbacks,
            )
        return self.epochs if self.model.stop_training else end

    def _inputs(self, step):
        """Batches from the number `step` on, with what the trained model reads."""
        for inputs, *rest in self.batches.from_step(step):
            yield {name: inputs[name] for name in self.model.input}, *rest

    def _say(self):
        shapes, padding = self.batches.shapes()
        data, tokenizer = self.run.dataset, self.run.tokenizer
        sizes = f"{len(self.examples)} training and {len(self.validate.records)} validation"
        console.print(
            f"{data.spec}: {sizes} examples; vocabulary {tokenizer.size}; "
            f"{self.tuner.count()}; up to {self.epochs} epochs of {len(self.batches)} batches "
            f"in {shapes} lengths, {padding:.0%} padding."
        )
        if data.drawn:
            console.print(f"Drawn from the training records: {', '.join(map(data.where, data.drawn))}.")
