"""One training run, from records to a finished model folder; what is half done lives in `<folder>.running`."""

import shutil
from dataclasses import replace

from zoo.adapters.training import LoRATraining
from zoo.data.examples import prepare
from zoo.data.opening import open_dataset
from zoo.layers.quantization import PRECISIONS
from zoo.pipeline.pipeline import Pipeline, held_out, load, measure
from zoo.runtime.console import console
from zoo.runtime.files import whole_folder
from zoo.text.tokenizer import Tokenizer
from zoo.training import checkpoint
from zoo.training.environment import precision, set_seed
from zoo.training.finetuning import BlockFreezer
from zoo.training.fit import FitLoop
from zoo.training.model_card import write_card
from zoo.training.setup import check_start, drawn, keep_exports, make_folder, places, resolve, with_tokenizer


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
    return TrainingRun(running, folder, preset, resume).go()


class TrainingRun:
    """The steps of a run, in order; each leaves what the next one needs."""

    def __init__(self, running, folder, preset, resume):
        self.running, self.folder, self.preset, self.resume = running, folder, preset, resume

    def go(self):
        self._read()
        self._learn_tokenizer()
        self._draw()
        self.tuner.round()
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
            self.tokenizer = Tokenizer.load(self.running / "tokenizer.json")
            return
        texts = (text for record in self.dataset.records("train") for text in self.objective.texts(record))
        self.tokenizer = self.preset.tokenizer.train(texts)
        first = next(self.dataset.records("train"))
        list(self.objective.examples([first], self.tokenizer))  # finds a length with no room for special tokens

    def _draw(self):
        training, lora = self.preset.training, self.preset.lora
        set_seed(training.seed)
        self.architecture = with_tokenizer(self.preset, self.tokenizer)
        given = not self.resume or lora.rank or self.preset.tuning.freeze  # else a checkpoint brings all weights
        with precision(training.precision):
            weights = training.weights if given else ""
            model, fresh = drawn(self.objective, self.architecture, weights, self.tokenizer.size)
        self.adaptation = LoRATraining(model, self.architecture, lora, fresh) if lora.rank else None
        self.model = self.adaptation.model if lora.rank else model
        self.tuner = BlockFreezer(self.preset.tuning, self.architecture, self.model)

    def _tokenize(self):
        cache = self.folder.parent / ".cache"
        self.examples = prepare(self.dataset, "train", self.objective, self.tokenizer, self.model, cache)
        rows, targets = map(self._arrays, (self.architecture.inputs()[0], "target"))
        if not self.adaptation:  # a backbone stays as it is
            self.architecture.fit(self.model, rows, targets)

    def _arrays(self, key):
        return (self.examples.row(key, i) for i in range(len(self.examples)))

    def _fit(self):
        fitting = FitLoop(self)
        self.validate, self.record = fitting.validate, fitting.record
        fitting.go()

    def _finish(self):
        """Best weights back, threshold calibrated, scores measured, the folder published whole."""
        checkpoint.assign(self.validate.variables, self.validate.best)
        self.learned = self.tuner.count()
        if self.preset.tuning.precision != PRECISIONS[0]:
            self._draw_exactly()
        self.tuner.hold(-1)
        self.model = self.adaptation.merged() if self.adaptation else self.model
        preset = replace(self.preset, architecture=self.architecture, objective=self.objective)
        splits = held_out(self.dataset)
        self.sizes = {"train": len(self.examples)} | {split: len(records) for split, records in splits.items()}
        pipeline, *self.looks = measure(Pipeline(self.model, preset, self.tokenizer), splits)
        self.objective = pipeline.objective
        self._publish(pipeline)
        return pipeline

    def _draw_exactly(self):
        """The network as it was before weights were rounded, with all that it has learned."""
        learned = {weight.path: weight for weight in self.model.weights}
        self._draw()
        for weight in self.model.weights:
            if weight.path in learned:
                weight.assign(learned[weight.path].value)

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
