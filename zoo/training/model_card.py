"""The model card: README.md in a model's folder, for whoever finds it later (Mitchell 2019, arXiv:1810.03993)."""

import platform
import time
from importlib.metadata import version

import keras

from zoo import catalog
from zoo.runtime.files import write_text
from zoo.training.callbacks import table
from zoo.training.plots import draw_confusion, draw_curves

CARD = """# {name}

A `{architecture}` network trained for `{objective}` by zoo {zoo}.

```
zoo predict {folder} "some text"
zoo evaluate {folder} --data DATA
zoo export {folder}
```

## Scores

{scores}

Best epoch: {best} of {epochs} (by validation {watch}). ![Curves](curves.png)

## Data

`{spec}`{columns}: {sizes}.{drawn}

## Sizes

{weights}; {vocabulary:,} token ids, texts of up to {length} ids. {labels}

## Settings

All are in preset.json. Training: {training}

## Versions and time

zoo {zoo}, Keras {keras} on {backend} {backend_version}, Python {python}, {machine}.
{seconds:.0f} s of training, ended {ended}.
"""


def write_card(folder, pipeline, run):
    """Write README.md and pictures into `folder`, for a finished `TrainingRun`; tables are of the last split scored."""
    watch, preset = run.objective.watch, pipeline.preset
    draw_curves(run.record.rows, watch, folder / "curves.png")
    rows, confusion = run.looks
    if rows:
        write_text(folder / "per_class.csv", table(rows))
    if confusion is not None:
        draw_confusion(confusion, run.objective.labels, folder / "confusion.png")
    values = _names(pipeline, run) | _facts(run) | _versions()
    values |= {"watch": watch, "scores": _scores(pipeline.scores), "training": preset.training}
    write_text(folder / "README.md", CARD.format(**values))


def _names(pipeline, run):
    preset = pipeline.preset
    labels = getattr(preset.objective, "labels", ())
    return {
        "name": run.folder.name,
        "folder": run.folder,
        "architecture": catalog.name_of("architectures", preset.architecture),
        "objective": catalog.name_of("objectives", preset.objective),
        "labels": f"Labels: {', '.join(labels)}." if labels else "",
        "weights": run.learned,
        "vocabulary": pipeline.tokenizer.size,
        "length": preset.objective.length,
    }


def _facts(run):
    rows, data = run.record.rows, run.preset.data
    return {
        "best": run.validate.best_epoch + 1,
        "epochs": len(rows),
        "seconds": rows[-1]["seconds"],
        "spec": data.spec,
        "columns": "".join(f", {field} from its column {column}" for field, column in data.columns.items()),
        "sizes": ", ".join(f"{split} {count}" for split, count in run.sizes.items()),
        "drawn": "".join(f" Drawn: {run.dataset.where(split)}." for split in run.dataset.drawn),
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
    """A table; a split may lack scores that another has, such as those of questions without an answer."""
    names = list(dict.fromkeys(name for values in scores.values() for name in values))
    lines = [["split", *names], ["---"] * (len(names) + 1)]
    for split, values in scores.items():
        lines.append([split, *(f"{values[name]:.4f}" if name in values else "" for name in names)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
