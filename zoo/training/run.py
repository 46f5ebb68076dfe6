"""One training run, from records to a finished model folder; what is half done lives in `<folder>.running`."""

import shutil
from dataclasses import replace
from functools import partial

from zoo import backend, evaluation
from zoo.adapters.adaptation import Adaptation
from zoo.batches import Batches
from zoo.carrying import InOrder, carried
from zoo.console import console
from zoo.dataset import open_dataset
from zoo.examples import prepare
from zoo.files import whole_folder
from zoo.packing import Packed, packed
from zoo.pipeline import Pipeline, inspect, load
from zoo.tokenizer import TrainedTokenizer
from zoo.training import checkpoint
from zoo.training.callbacks import Record, StopAt, Validate
from zoo.training.card import write_card
from zoo.training.optimizer import optimizer
from zoo.training.progress import ProgressBar
from zoo.training.starting import check_start, drawn, keep_exports, make_folder, places, resolve, with_tokenizer
from zoo.training.surroundings import precision, set_seed, until_interrupted


def train(preset, *, to=None, data=None, columns=None, resume=False, fresh=False, overrides=(), weights=""):
    """Train a preset and leave a model folder that `zoo.load` reads.

    Args:
        preset: a name of `zoo list presets`, or a `Preset`.
        to: the folder; default `saved_models/<preset>`.
        data: a dataset spec in place of the preset's own.
        columns: {standard field: the data's name for it}, in place of the preset's own.
        resume: go on with a run that was killed, from its last checkpoint, to the same end.
        fresh: throw an unfinished run away.
        overrides: strings such as `training.epochs=3`.
        weights: a folder to start from, of the zoo, transformers or KerasHub, or `hf:OWNER/NAME` or `keras:PRESET`: its
            network with the weights, and its tokenizer, are taken in place of the preset's own.

    Returns the trained `Pipeline`. Raises ValueError for whatever is wrong with the arguments or the data.
    """
    name, preset = resolve(preset, data, columns, overrides, weights)
    folder, running = places(to, name)
    if resume and not running.is_dir() and folder.is_dir():
        console.print(f"{folder} is finished: nothing to resume.")
        return load(folder)
    check_start(running, preset, resume, fresh)
    return Run(running, folder, preset, resume).go()


class Run:
    """The steps of a run, in order; each leaves what the next one needs."""

    def __init__(self, running, folder, preset, resume):
        self.running, self.folder, self.preset, self.resume = running, folder, preset, resume

    def go(self):
        self._read()
        self._learn_tokenizer()
        self._draw()
        self._tokenize()
        if not self.resume:  # not before: a mistake in the settings or the data leaves nothing behind
            make_folder(self.running, self.preset, self.tokenizer)
        self._fit()
        return self._finish()

    def _read(self):
        data = self.preset.data
        needs, draw = self.preset.objective.needs(), self.preset.objective.draw
        self.dataset = open_dataset(data.spec, data.columns, data.seed, data.errors, needs, draw)
        if not {"train", "validation"} <= set(self.dataset.splits):
            splits = ", ".join(self.dataset.splits)
            raise ValueError(
                f"Expected train and validation splits in {data.spec}. Received: only {splits}. "
                "Without #SPLIT, a validation split that is missing is drawn."
            )
        self.objective = self.preset.objective.suit(self.preset.architecture).fit(self.dataset)
        self.objective.check(self.preset.architecture)

    def _learn_tokenizer(self):
        if self.resume:
            self.tokenizer = TrainedTokenizer.load(self.running / "tokenizer.json")
            return
        texts = (text for record in self.dataset.records("train") for text in self.objective.texts(record))
        self.tokenizer = self.preset.tokenizer.train(texts)
        first = next(self.dataset.records("train"))
        list(self.objective.examples([first], self.tokenizer))  # finds a length with no room for special tokens

    def _draw(self):
        training, lora = self.preset.training, self.preset.lora
        set_seed(training.seed)
        self.architecture = with_tokenizer(self.preset, self.tokenizer)
        weights = "" if self.resume and not lora.rank else training.weights  # a checkpoint brings its own
        with precision(training.precision):
            model, fresh = drawn(self.objective, self.architecture, weights, self.tokenizer.size)
        self.adaptation = Adaptation(model, self.architecture, lora, fresh) if lora.rank else None
        self.model = self.adaptation.model if lora.rank else model

    def _tokenize(self):
        cache = self.folder.parent / ".cache"
        self.examples = prepare(self.dataset, "train", self.objective, self.tokenizer, self.model, cache)
        rows, targets = map(self._arrays, (self.architecture.inputs()[0], "target"))
        if not self.adaptation:  # a backbone stays as it is
            self.architecture.fit(self.model, rows, targets)

    def _arrays(self, key):
        return (self.examples.row(key, i) for i in range(len(self.examples)))

    def _twin(self):
        """(model, examples, kind of batches) to train with: the network on its examples, or a twin of it."""
        training = self.preset.training
        if getattr(self.objective, "carry", False):
            return carried(self.model, training.batch), self.examples, InOrder
        if training.packing:
            twin = packed(self.model)
            return twin, Packed(self.examples, twin, training.packing), Batches
        return self.model, self.examples, Batches

    def _fit(self):
        training, (self.trained, examples, batches) = self.preset.training, self._twin()
        self.batches = batches(examples, self.objective, training.batch, training.accumulation, training.seed)
        total = training.steps * training.accumulation or training.epochs * len(self.batches)
        steps = min(training.interval * training.accumulation or len(self.batches), total)
        epochs = -(-total // steps)
        self.objective.compile(self.trained, optimizer(training, self.trained, total))
        done = self._callbacks(steps)
        self._say(epochs)
        if done is not None:
            self._run(steps, epochs, done, total)

    def _callbacks(self, steps):
        """Make the callbacks; returns how many epochs a checkpoint had done, or None where it had done all."""
        records = list(self.dataset.records("validation"))
        self.validate = Validate(self.model, self.objective, self.tokenizer, records, self.preset.training.patience)
        self.record = Record(self.running, self.validate, steps)
        path = self.running / "checkpoint.npz"
        if not path.is_file():
            return 0
        found = checkpoint.Checkpoint(path)
        self.validate.resume(found)
        self.record.resume(found)
        console.print(f"Resumed after epoch {len(self.record.rows)}.")
        return None if found.progress["stopped"] else len(self.record.rows)

    def _run(self, steps, epochs, done, total):
        stream = partial(self.batches.from_step, done * steps)
        bar = ProgressBar(self.objective.watch, steps, epochs, done)
        callbacks = [StopAt(total, steps), self.validate, bar, self.record]
        with until_interrupted(self.trained, self.record):
            self.trained.fit(
                backend.feed(stream, next(stream())),
                steps_per_epoch=steps,
                epochs=epochs,
                initial_epoch=done,
                shuffle=False,
                verbose=0,
                callbacks=callbacks,
            )

    def _finish(self):
        """Best weights back, threshold calibrated, scores measured, the folder published whole."""
        checkpoint.assign(self.model.variables, self.validate.best)
        self.model = self.adaptation.merged() if self.adaptation else self.model
        held_out = self.validate.records
        self.objective = self.objective.calibrate(self._outputs(held_out), held_out)
        preset = replace(self.preset, architecture=self.architecture, objective=self.objective)
        pipeline, self.sizes = Pipeline(self.model, preset, self.tokenizer), {"train": len(self.examples)}
        for split in ("validation", "test"):
            if split in self.dataset.splits:
                records = list(self.dataset.records(split))
                self.sizes[split] = len(records)
                pipeline.scores[split], *self.looks = inspect(self.objective, self._outputs(records), records)
        self._publish(pipeline)
        return pipeline

    def _outputs(self, records):
        return evaluation.predict(self.model, self.objective, self.tokenizer, records)

    def _publish(self, pipeline):
        with whole_folder(self.folder) as folder:
            keep_exports(self.folder, folder)
            pipeline.write(folder)
            if self.adaptation:
                self.adaptation.write(folder, pipeline.preset)
            write_card(folder, pipeline, self)
            shutil.copy(self.running / "history.csv", folder)
            shutil.copytree(self.running / "logs", folder / "logs")
        if self.record.interrupted:
            console.print(f"Stopped by Ctrl-C and saved in {self.folder}. Go on: the same command with --resume.")
        else:
            shutil.rmtree(self.running)

    def _say(self, epochs):
        shapes, padding = self.batches.shapes()
        sizes = f"{len(self.examples)} training and {len(self.validate.records)} validation"
        console.print(
            f"{self.dataset.spec}: {sizes} examples; vocabulary {self.tokenizer.size}; "
            f"{self.model.count_params():,} weights; up to {epochs} epochs of {len(self.batches)} batches "
            f"in {shapes} lengths, {padding:.0%} padding."
        )
        if self.dataset.drawn:
            console.print(f"Drawn from the training records: {', '.join(map(self.dataset.where, self.dataset.drawn))}.")
