"""One training run, from records to a finished model folder; what is half done lives in `<folder>.running`."""

import random
import shutil
import signal
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras

from zoo import backend, catalog, evaluation, settings
from zoo.batches import Batches
from zoo.console import console
from zoo.dataset import open_dataset
from zoo.examples import prepare
from zoo.files import whole_folder, write_text
from zoo.pipeline import Pipeline, inspect, load
from zoo.preset import Preset
from zoo.tokenizer import TrainedTokenizer
from zoo.training import checkpoint
from zoo.training.callbacks import Record, StopAt, Validate
from zoo.training.card import write_card
from zoo.training.optimizer import optimizer
from zoo.training.progress import ProgressBar


def train(preset, *, to=None, data=None, columns=None, resume=False, fresh=False, overrides=()):
    """Train a preset and leave a model folder that `zoo.load` reads.

    Args:
        preset: a name of `zoo list presets`, or a `Preset`.
        to: the folder; default `saved_models/<preset>`.
        data: a dataset spec in place of the preset's own.
        columns: {standard field: the data's name for it}, in place of the preset's own.
        resume: go on with a run that was killed, from its last checkpoint, to the same end.
        fresh: throw an unfinished run away.
        overrides: strings such as `training.epochs=3`.

    Returns the trained `Pipeline`. Raises ValueError for whatever is wrong with the arguments or the data.
    """
    name, preset = _resolve(preset, data, columns, overrides)
    folder = Path(to or Path("saved_models") / name)
    running = folder.with_name(f"{folder.name}.running")
    if resume and not running.is_dir() and folder.is_dir():
        console.print(f"{folder} is finished: nothing to resume.")
        return load(folder)
    _start(running, preset, resume, fresh)
    return Run(running, folder, preset).go()


def _resolve(preset, data, columns, overrides):
    name = preset if isinstance(preset, str) else "model"
    preset = settings.override(preset if isinstance(preset, Preset) else catalog.load("presets", name), overrides)
    changed = replace(preset.data, spec=str(data)) if data else preset.data
    preset = replace(preset, data=replace(changed, columns=columns) if columns else changed)
    if not preset.data.spec:
        needs = " and ".join(preset.objective.needs())
        raise ValueError(f"The preset {name} brings no data along: give some with {needs} (--data FOLDER).")
    return name, preset


def _start(running, preset, resume, fresh):
    """Make the folder of an unfinished run, or check that the one that is there is this run's."""
    described = running / "preset.json"
    if running.is_dir() and not resume and not fresh:
        raise ValueError(f"{running} holds an unfinished run: go on with it (--resume) or throw it away (--fresh).")
    if fresh:
        shutil.rmtree(running, ignore_errors=True)
    if resume and not described.is_file():
        raise ValueError(f"Expected an unfinished run in {running} to resume. Received: no such run.")
    if resume:
        different = settings.differences(settings.from_json(described.read_text(encoding="utf-8")), preset)
        if different:
            raise ValueError(f"Expected the settings of the run in {running}. Received: another {', '.join(different)}.")
    running.mkdir(parents=True, exist_ok=True)
    write_text(described, settings.to_json(preset))


class Run:
    """The steps of a run, in order; each leaves what the next one needs."""

    def __init__(self, running, folder, preset):
        self.running, self.folder, self.preset = running, folder, preset

    def go(self):
        self._read()
        self._tokenize()
        self._draw()
        self._fit()
        return self._finish()

    def _read(self):
        data = self.preset.data
        self.dataset = open_dataset(data.spec, data.columns, data.seed, data.errors, self.preset.objective.needs())
        if not {"train", "validation"} <= set(self.dataset.splits):
            raise ValueError(f"Expected train and validation splits. Received: {self.dataset!r}.")
        self.objective = self.preset.objective.fit(self.dataset)
        self.objective.check(self.preset.architecture)
        if self.dataset.drawn:
            console.print(f"Drawn from the training records (seed {data.seed}): {', '.join(self.dataset.drawn)}.")

    def _tokenize(self):
        path = self.running / "tokenizer.json"
        if not path.is_file():
            records = self.dataset.records("train")
            texts = (text for record in records for text in self.objective.texts(record))
            self.preset.tokenizer.train(texts).save(path)
        self.tokenizer = TrainedTokenizer.load(path)
        self.examples = prepare(
            self.dataset, "train", self.objective, self.tokenizer, self._inputs(), self.folder.parent / ".cache"
        )

    def _inputs(self):
        return tuple(self.preset.architecture.inputs())

    def _draw(self):
        training = self.preset.training
        set_seed(training.seed)
        self.architecture = replace(self.preset.architecture, vocabulary=self.tokenizer.size)
        with precision(training.precision):
            self.model = self.objective.model(self.architecture)
        name = self._inputs()[0]
        self.architecture.fit(self.model, (self.examples.row(name, i) for i in range(len(self.examples))))

    def _fit(self):
        training, examples = self.preset.training, self.examples
        self.batches = Batches(examples, self.objective, training.batch, training.accumulation, training.seed)
        total = training.steps * training.accumulation or training.epochs * len(self.batches)
        steps = min(training.interval * training.accumulation or len(self.batches), total)
        epochs = -(-total // steps)
        self.objective.compile(self.model, optimizer(training, self.model, total))
        done = self._callbacks(steps)
        self._say(epochs)
        if done is not None:
            self._run(steps, epochs, done, total)

    def _callbacks(self, steps):
        """Make the callbacks; returns how many epochs a checkpoint had done, or None where it had done all."""
        records = list(self.dataset.records("validation"))
        self.validate = Validate(self.objective, self.tokenizer, records, self.preset.training.patience)
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
        with until_interrupted(self.model, self.record):
            self.model.fit(
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
            pipeline.write(folder)
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


def set_seed(number):
    """Seed all that draws. Keras's own `set_random_seed` would import TensorFlow on every backend."""
    random.seed(number)  # Keras's layers take their seeds from here
    backend.seed(number)


@contextmanager
def precision(policy):
    """Draw layers under a Keras dtype policy such as "mixed_bfloat16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def until_interrupted(model, record):
    """The first Ctrl-C ends `fit` after the batch at hand; a second one ends the program."""

    def stop(number, frame):
        record.interrupted = model.stop_training = True
        signal.signal(signal.SIGINT, before)
        console.print("Ctrl-C: ending after this batch, then scoring and saving. Once more to end at once.")

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, stop)
    except ValueError:  # not in the main thread, where no signal arrives either
        pass
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
