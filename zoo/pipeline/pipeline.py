"""A trained model with its tokenizer and objective: raw text in, answers out; saved as a folder, loaded back."""

import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras

from zoo import config
from zoo.data.opening import open_dataset
from zoo.data.tokenization import in_chunks
from zoo.layers.quantization import WEIGHT_TYPES, quantize_weights
from zoo.pipeline import predictor
from zoo.pipeline.generation_methods import GenerationMethods
from zoo.presets import Preset
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError, did_you_mean, one_of
from zoo.runtime.files import write_text
from zoo.text.tokenizer import Tokenizer

FILES = ("preset.json", "tokenizer.json", "model.keras")


@dataclass
class Pipeline(GenerationMethods):
    """What `zoo.train` and `zoo.load` return."""

    model: keras.Model
    preset: Preset  # as resolved by training: labels, vocabulary and threshold filled in
    tokenizer: Tokenizer
    scores: dict = field(default_factory=dict)  # split -> metric -> value, measured after training
    precision: str = "float32"  # of the weights: others only compute, see `load`

    @property
    def objective(self):
        return self.preset.objective

    def predict(self, texts):
        """Answers for a text, or a list of texts; a text is a (text, text_pair) tuple where pairs were learned.

        Returns one answer, or a list of them in the same order; see the objective's `answer`.
        """
        single = isinstance(texts, str | tuple)
        records = [self.objective.record(text) for text in ([texts] if single else texts)]
        found = [answer for _, answer in self.stream(records)]
        return found[0] if single else found

    def stream(self, records):
        """Yield (record, answer) for an iterable of records; holds a chunk of them at a time."""
        for chunk in in_chunks(records):
            outputs = predictor.predict(self.model, self.objective, self.tokenizer, chunk)
            for record, output in zip(chunk, outputs, strict=True):
                yield record, self.objective.answer(output, record)

    def questions(self, data, columns=None, errors="strict"):
        """Yield the records of a dataset spec, of which only what `predict` asks for is needed."""
        asks = self.objective.asks()
        known = {field: name for field, name in self.preset.data.columns.items() if field in asks}
        dataset = open_dataset(data, columns or known, errors=errors, required=asks, split_strategy="")
        for split in dataset.splits:
            yield from dataset.records(split)

    def evaluate(self, data="", split="", columns=None, errors="strict"):
        """Exact scores on a dataset; without `data`, on the test split of the one that the model was trained on.

        Without `split`, the dataset's test split, else its last one; a file that names no split is taken whole.
        """
        return self.inspect(data, split, columns, errors)[0]

    def inspect(self, data="", split="", columns=None, errors="strict"):
        """`(scores, table, confusion)` on a dataset: see the objective for what each holds."""
        records = self.read(data, split, columns, errors)
        return inspect(self.objective, predictor.predict(self.model, self.objective, self.tokenizer, records), records)

    def read(self, data="", split="", columns=None, errors="strict"):
        """The records of one split as a list, checked against what the model knows."""
        source, needs = self.preset.data, self.objective.needs()
        split_strategy = "" if data else self.objective.split_strategy
        dataset = open_dataset(data or source.spec, columns or source.columns, source.seed, errors, needs, split_strategy)
        split = split or ("test" if "test" in dataset.splits else dataset.splits[-1])
        self.objective.accept(dataset, split)
        return list(dataset.records(split))

    def export(self, folder, format="saved_model"):
        """Write a SavedModel that takes raw strings, or with format "huggingface" a folder for transformers.

        See `zoo.export.saved_model.export` and `zoo.checkpoints.hf_export.write_huggingface`. Returns the folder, a new one.
        """
        from zoo.checkpoints.hf_export import write_huggingface
        from zoo.export.saved_model import export

        self._check_precision()
        writers = {"saved_model": export, "huggingface": write_huggingface}
        return writers[one_of("format", format, writers)](self, folder)

    def write(self, folder):
        """Write model, preset, tokenizer and scores into an existing folder."""
        self._check_precision()
        folder = Path(folder)
        with silence():  # Keras imports TensorFlow for it, where there is one
            keras.Model(self.model.input, self.model.output).save(folder / "model.keras")  # without the optimizer
        self.tokenizer.save(folder / "tokenizer.json")
        write_text(folder / "preset.json", config.to_json(self.preset))
        write_text(folder / "scores.json", json.dumps(self.scores, indent=2) + "\n")

    def _check_precision(self):
        if self.precision != "float32":
            raise UserError(
                "Expected weights as they were trained, to save or export them. "
                f"Received: a model loaded with precision={self.precision}."
            )


def inspect(objective, outputs, records):
    """`(scores, table, confusion)` of a model's outputs, one for each of a list of records."""
    return tuple(look(outputs, records) for look in (objective.scores, objective.per_class, objective.confusion_matrix))


def held_out(dataset):
    """{split: list of records} of what a model does not learn from."""
    return {split: list(dataset.records(split)) for split in ("validation", "test") if split in dataset.splits}


def measure(pipeline, splits):
    """`(pipeline, table, confusion)`: calibrated and scored on `held_out` records, and the looks at the last split."""
    objective, scores = pipeline.objective, {}
    for split, records in splits.items():
        outputs = predictor.predict(pipeline.model, objective, pipeline.tokenizer, records)
        if split == "validation":
            objective = objective.calibrate(outputs, records)
        scores[split], *looks = inspect(objective, outputs, records)
    return replace(pipeline, preset=replace(pipeline.preset, objective=objective), scores=scores), *looks


def load(folder, precision="float32"):
    """The pipeline that a training run left in `folder`.

    With `precision` "int8" or "bfloat16" the weights of dense layers and the vectors of tokens take a quarter or half
    of the memory, and on torch less time to read, see `zoo.layers.quantization`; such a pipeline answers, writes and is
    scored, but is not saved or exported. Raises UserError, naming the file, where one is missing, truncated or of
    another version.
    """
    folder, precision = Path(folder), one_of("precision", precision, WEIGHT_TYPES)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(_not_a_model(folder, missing))
    preset = _part(folder / "preset.json", lambda path: config.from_json(path.read_text(encoding="utf-8")))
    tokenizer = _part(folder / "tokenizer.json", Tokenizer.load)
    model = _part(folder / "model.keras", _network)
    vectors = preset.architecture.vocabulary  # of published networks some are without a token
    if tokenizer.vocabulary_size > vectors or (tokenizer.vocabulary_size < vectors and not preset.training.init):
        raise UserError(f"The files in {folder} are of different models: copy the whole folder again.")
    scores = folder / "scores.json"
    found = _part(scores, lambda path: json.loads(path.read_text(encoding="utf-8"))) if scores.is_file() else {}
    if precision != "float32":
        quantize_weights(model, precision)
    return Pipeline(model, preset, tokenizer, found, precision)


def _part(path, read):
    try:
        return read(path)
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{path} cannot be read: {reason} Train again, or copy the whole folder again.") from error


def _network(path):
    if not zipfile.is_zipfile(path):  # its table of contents stands at the end
        raise UserError("Expected a whole Keras file. Received: a truncated or damaged one.")
    with silence():
        return keras.saving.load_model(path, compile=False)


def _not_a_model(folder, missing):
    place = folder.absolute()
    unfinished = place.with_name(f"{place.name}.running").is_dir()
    hint = " Its run did not end: finish it by zoo train ... --resume." if unfinished else ""
    if folder.is_dir():
        return f"Expected {', '.join(FILES)} in {folder}. Received: a folder without {', '.join(missing)}.{hint}"
    what = "is a file" if folder.exists() else "is not there"
    near = sorted(path.parent.name for path in place.parent.glob("*/preset.json") if path.parent.suffix != ".running")
    models = f"{did_you_mean(place.name, near)} Models beside it: {', '.join(near)}." if near else ""
    return f"Expected a folder that zoo train wrote. Received: {folder}, which {what}.{hint or models}"
