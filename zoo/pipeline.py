"""A trained model with its tokenizer and objective: raw text in, answers out; saved as a folder, loaded back."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import keras

from zoo import evaluation, settings
from zoo.dataset import open_dataset
from zoo.files import write_text
from zoo.preset import Preset
from zoo.tokenizer import TrainedTokenizer

FILES = ("preset.json", "tokenizer.json", "model.keras")


@dataclass
class Pipeline:
    """What `zoo.train` and `zoo.load` return."""

    model: keras.Model
    preset: Preset  # as resolved by training: labels, vocabulary and threshold filled in
    tokenizer: TrainedTokenizer
    scores: dict = field(default_factory=dict)  # split -> metric -> value, measured after training

    @property
    def objective(self):
        return self.preset.objective

    def predict(self, texts):
        """Answers for a text, or a list of texts; a text is a (text, text_pair) tuple where pairs were learned.

        Returns one answer, or a list of them in the same order; see the objective's `answer`.
        """
        single = isinstance(texts, str | tuple)
        records = [self.objective.record(text) for text in ([texts] if single else texts)]
        found = list(evaluation.answers(self.model, self.objective, self.tokenizer, records))
        return found[0] if single else found

    def evaluate(self, data="", split="test", columns=None, errors="strict"):
        """Exact scores on a split of a dataset; without `data`, of the one that the model was trained on."""
        return self.inspect(data, split, columns, errors)[0]

    def inspect(self, data="", split="test", columns=None, errors="strict"):
        """`(scores, table, confusion)` on a split: see the objective for what each holds."""
        records = self.read(data, split, columns, errors)
        outputs = evaluation.predict(self.model, self.objective, self.tokenizer, records)
        of = (outputs, records)
        return self.objective.scores(*of), self.objective.table(*of), self.objective.confusion(*of)

    def read(self, data, split, columns, errors):
        """The records of one split as a list, checked against what the model knows."""
        columns = columns or self.preset.data.columns
        spec = data or self.preset.data.spec
        dataset = open_dataset(spec, columns, self.preset.data.seed, errors, self.objective.needs())
        self.objective.accept(dataset, split)
        return list(dataset.records(split))

    def export(self, folder):
        """Write a SavedModel that takes raw strings: see `zoo.exporting.export`."""
        from zoo.exporting import export

        return export(self, folder)

    def write(self, folder):
        """Write model, preset, tokenizer and scores into an existing folder."""
        folder = Path(folder)
        self.model.save(folder / "model.keras")
        self.tokenizer.save(folder / "tokenizer.json")
        write_text(folder / "preset.json", settings.to_json(self.preset))
        write_text(folder / "scores.json", json.dumps(self.scores, indent=2) + "\n")


def load(folder):
    """The pipeline that a training run left in `folder`.

    Raises ValueError, naming the file, where one is missing, truncated or of another version.
    """
    folder = Path(folder)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ValueError(_not_a_model(folder, missing))
    preset = _part(folder / "preset.json", lambda path: settings.from_json(path.read_text(encoding="utf-8")))
    tokenizer = _part(folder / "tokenizer.json", TrainedTokenizer.load)
    model = _part(folder / "model.keras", lambda path: keras.saving.load_model(path, compile=False))
    scores = folder / "scores.json"
    found = _part(scores, lambda path: json.loads(path.read_text(encoding="utf-8"))) if scores.is_file() else {}
    return Pipeline(model, preset, tokenizer, found)


def _part(path, read):
    try:
        return read(path)
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{path} cannot be read: {reason} Train again, or copy the whole folder again.") from error


def _not_a_model(folder, missing):
    if not folder.is_dir():
        near = sorted(path.parent.name for path in folder.absolute().parent.glob("*/preset.json"))
        return f"Expected a folder that zoo train wrote. Received: {folder}, which is not there.{_nearest(folder, near)}"
    running = folder.with_name(f"{folder.name}.running")
    hint = " Its run did not end: finish it by zoo train ... --resume." if running.is_dir() else ""
    return f"Expected {', '.join(FILES)} in {folder}. Received: a folder without {', '.join(missing)}.{hint}"


def _nearest(folder, known):
    from zoo.dataset import did_you_mean

    return did_you_mean(folder.name, known) + (f" Known there: {', '.join(known)}." if known else "")
