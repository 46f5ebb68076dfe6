"""Model card: README.md in a model folder (Mitchell 2019, arXiv:1810.03993)."""

import platform
import time
from importlib.metadata import version
from pathlib import Path

import keras

from zoo import catalog
from zoo.runtime.files import write_text
from zoo.training.callbacks import to_csv
from zoo.training.plots import plot_confusion, plot_curves
from zoo.training.run_result import RunResult

CARD = """# {name}

A `{architecture}` network trained for `{objective}` by zoo {zoo}.

```
{example}
zoo evaluate {folder} --data DATA
zoo export {folder}
```

## Scores

{scores}

Best epoch: {best} of {epochs} (by validation {monitor}). ![Curves](curves.png)

## Data

`{spec}`{columns}: {sizes}.{derived}

## Sizes

{weights}; {vocabulary:,} token ids, texts of up to {length} ids. {labels}

## Settings

All are in preset.json. Training: {training}

## Versions and time

zoo {zoo}, Keras {keras} on {backend} {backend_version}, Python {python}, {machine}.
{seconds:.0f} s of training, ended {ended}.
"""


def write_card(folder: Path, result: RunResult) -> None:
    """Write the model card of a finished run: README.md, plots, and per_class.csv of the split that was scored last."""
    preset = result.pipeline.preset
    monitor = preset.objective.monitor
    plot_curves(result.history, monitor, folder / "curves.png")
    if result.per_class:
        write_text(folder / "per_class.csv", to_csv(result.per_class))
    if result.confusion_matrix is not None:
        labels = getattr(preset.objective, "labels", ())
        plot_confusion(result.confusion_matrix, labels, folder / "confusion.png")
    values = _names(result) | _data_and_history(result) | _versions()
    values |= {"monitor": monitor, "scores": _scores(result.pipeline.scores), "training": preset.training}
    write_text(folder / "README.md", CARD.format(**values))


def _names(result):
    preset = result.pipeline.preset
    labels = getattr(preset.objective, "labels", ())
    return {
        "name": result.folder.name,
        "folder": result.folder,
        "example": preset.objective.example_command(result.folder),
        "architecture": catalog.name_of("architectures", preset.architecture),
        "objective": catalog.name_of("objectives", preset.objective),
        "labels": f"Labels: {', '.join(labels)}." if labels else "",
        "weights": result.weights,
        "vocabulary": result.pipeline.tokenizer.vocabulary_size,
        "length": preset.objective.length,
    }


def _data_and_history(result):
    data, dataset = result.pipeline.preset.data, result.dataset
    return {
        "best": result.best_epoch,
        "epochs": len(result.history),
        "seconds": result.seconds,
        "spec": data.spec,
        "columns": "".join(f", {field} from its column {column}" for field, column in data.columns.items()),
        "sizes": ", ".join(f"{split} {count}" for split, count in result.sizes.items()),
        "derived": "".join(f" Derived: {dataset.describe(split)}." for split in dataset.derived_splits),
    }


def _versions():
    backend = keras.config.backend()
    return {
        "zoo": version("zoo"),
        "keras": keras.__version__,
        "backend": backend,
        "backend_version": version(backend),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "ended": time.strftime("%Y-%m-%d %H:%M"),
    }


def _scores(scores):
    """Scores as a Markdown table; a split may lack a score, such as the scores of questions without an answer."""
    names = list(dict.fromkeys(name for values in scores.values() for name in values))
    lines = [["split", *names], ["---"] * (len(names) + 1)]
    for split, values in scores.items():
        lines.append([split, *(f"{values[name]:.4f}" if name in values else "" for name in names)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
