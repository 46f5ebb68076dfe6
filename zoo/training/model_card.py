"""Model card: README.md in a model folder (Mitchell 2019, arXiv:1810.03993), with tables and pictures."""

import platform
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import keras

from zoo import catalog
from zoo.metrics.reliability import reliability
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Training
from zoo.runtime.files import write_text
from zoo.runtime.version import VERSION
from zoo.training.callbacks import to_csv
from zoo.training.card_metadata import base_model, front_matter
from zoo.training.card_tables import baselines_table, scores_table
from zoo.training.markdown import markdown_table
from zoo.training.mistakes import format_answer, input_texts, worst_mistakes
from zoo.training.plots import plot_calibration, plot_confusion, plot_curves, plot_thresholds, save_plot
from zoo.training.run_record import public_description, public_name
from zoo.training.run_result import RunResult

EXAMPLES, MISTAKES = 3, 5  # rows of the card's tables
QUOTES = "These tables quote the data: check them before you publish this card."
CARD = """
# {name}

A `{architecture}` network trained for `{objective}` by zoo {zoo}{base}.{stopped}

```
{commands}
```

## Scores

{scores}

Best validation {monitor} after epoch {best} of {epochs}.{curves}
{reports}
## Data

`{spec}`{columns}: {sizes}.{derived}

The licence of the model is not known to the zoo: those of its data{base_licence} apply.

## Sizes

{weights}; {vocabulary:,} token ids, texts of up to {length} ids. {labels}

## Settings

All are in preset.json. Training, where it differs from the defaults: {training}.{command}

## Versions and time

zoo {zoo}, Keras {keras} on {backends}, Python {python}, {machine}.
{seconds:.0f} s of training, ended {ended}.
"""


def write_card(folder: Path, result: RunResult) -> None:
    """Write the model card of a run: README.md, plots, and tables of the split that was scored last.

    per_class.csv has a row for each label, mistakes.csv the worst mistakes.
    """
    preset = result.pipeline.preset
    monitor = preset.objective.monitor
    values = _names(result) | _data_and_history(result) | _versions(result)
    values |= {"monitor": monitor, "scores": scores_table(result.pipeline.scores), "reports": _reports(folder, result)}
    curves = save_plot(folder / "curves.png", lambda file: plot_curves(result.history, monitor, file, result.losses))
    values["curves"] = "\n\n![Learning curves](curves.png)" if curves else ""
    values["scores"] += baselines_table(result.pipeline.baselines, preset.data.spec)
    write_text(folder / "README.md", front_matter(result) + CARD.format(**values))


def _names(result):
    preset, folder = result.pipeline.preset, result.folder.name
    labels, base = getattr(preset.objective, "labels", ()), base_model(preset.training.init)
    command = result.record.command
    epochs = result.record.epochs
    return {
        "name": folder,
        "commands": "\n".join(
            (preset.objective.example_command(folder), f"zoo evaluate {folder} --data DATA", f"zoo export {folder}")
        ),
        "architecture": catalog.name_of("architectures", preset.architecture),
        "objective": catalog.name_of("objectives", preset.objective),
        "base": f", from the weights `{base}`" if base else "",
        "base_licence": f" and of `{base}`" if base else "",
        "stopped": f"\n\n**Stopped by Ctrl-C after {epochs:.4g} epochs.**" if result.record.state == "stopped" else "",
        "labels": f"Labels: {', '.join(labels)}." if labels else "",
        "weights": result.weights,
        "vocabulary": result.pipeline.tokenizer.vocabulary_size,
        "length": preset.objective.length,
        "training": _changed(preset.training),
        "command": f"\n\n```\n{command}\n```" if command else "",
    }


def _changed(training: Training) -> str:
    """The settings that differ from their defaults, as text; local folders by their last part."""
    values = {field.name: getattr(training, field.name) for field in fields(training)}
    changed = {name: value for name, value in values.items() if value != getattr(Training(), name)}
    texts = {name: public_name(value) if name == "init" else value for name, value in changed.items()}
    return ", ".join(f"{name}={value}" for name, value in texts.items()) or "nothing"


def _data_and_history(result):
    data, dataset = result.pipeline.preset.data, result.dataset
    derived = "".join(f" Derived: {dataset.describe(split)}." for split in dataset.derived_splits)
    return {
        "best": f"{result.best_epoch:.4g}",
        "epochs": f"{result.history[-1]['epoch']:.4g}",
        "seconds": result.seconds,
        "spec": public_name(data.spec),
        "columns": "".join(f", {field} from its column {column}" for field, column in data.columns.items()),
        "sizes": ", ".join(f"{split} {count}" for split, count in result.sizes.items()),
        "derived": public_description(derived, data.spec),
    }


def _versions(result):
    return {
        "zoo": VERSION,
        "keras": keras.__version__,
        "backends": ", then ".join(_with_version(name) for name in result.record.backends),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "ended": result.record.ended,
    }


def _with_version(backend):
    return f"{backend} {version(backend)}"


def _reports(folder, result):
    """Tables and pictures of the split that was scored last, as Markdown; their files are written to `folder`."""
    objective, parts = result.pipeline.objective, []
    if result.per_class:
        write_text(folder / "per_class.csv", to_csv(result.per_class))
        parts += [f"## Scores by label, {result.split}", markdown_table(result.per_class)]
    if result.confusion_matrix is not None:
        parts += _confusion(folder, result.confusion_matrix, getattr(objective, "labels", ()))
    if isinstance(objective, ClassifyText) and result.records:
        parts += _classification(folder, objective, result)
    parts += _examples(folder, result)
    return "\n" + "\n\n".join(parts) + "\n" if parts else ""


def _confusion(folder, matrix, labels):
    if save_plot(folder / "confusion.png", lambda file: plot_confusion(matrix, labels, file)):
        yield "![Confusion matrix](confusion.png)"


def _classification(folder, objective, result):
    truth, probabilities = objective.truth(result.records), objective.probabilities(result.decisions)
    if objective.multi_label:
        confidence, correct = probabilities.ravel(), truth.ravel()
    else:
        confidence, correct = probabilities.max(1), truth[range(len(truth)), probabilities.argmax(1)]
    error = reliability(confidence, correct).error
    yield f"Expected calibration error {error:.4f}: the mean distance of confidence and accuracy."
    if save_plot(folder / "calibration.png", lambda file: plot_calibration(confidence, correct, file)):
        yield "![Calibration](calibration.png)"
    if objective.multi_label and save_plot(
        folder / "thresholds.png", lambda file: plot_thresholds(truth, probabilities, objective.threshold, file)
    ):
        yield "![Precision, recall and F1 by threshold](thresholds.png)"


def _examples(folder, result):
    objective = result.pipeline.objective
    mistakes = worst_mistakes(objective, result.decisions, result.records)
    pairs = zip(result.decisions[:EXAMPLES], result.records[:EXAMPLES], strict=True)
    examples = [_example(objective, decision, record) for decision, record in pairs]
    if all(example["prediction"] for example in examples) and examples:
        yield from (f"## Samples of {result.split}", markdown_table(examples))
    if mistakes:
        write_text(folder / "mistakes.csv", to_csv(mistakes))
        yield from (
            f"## Worst mistakes of {result.split}",
            markdown_table(mistakes[:MISTAKES]),
            f"More: mistakes.csv. {QUOTES}",
        )


def _example(objective, decision, record):
    return input_texts(objective, record) | {"prediction": format_answer(objective, decision, record)}
