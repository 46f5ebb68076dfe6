"""What comes before a run: a preset resolved, every mistake in its settings found, the run's folder made."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from zoo import catalog, config
from zoo.checkpoints.warm_start import begin, start_from
from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.runtime.errors import did_you_mean
from zoo.runtime.files import whole_folder, write_text
from zoo.training.finetuning import check_tuning
from zoo.training.optimizer import SCHEDULES

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
LEAST = {"epochs": 1, "batch": 1, "accumulation": 1}  # of the others 0
BELOW_ONE = ("warmup", "average", "momentum", "memory")


def resolve(preset, data, columns, overrides, weights=""):
    """(name, preset) with everything replaced that the user gave. Raises ValueError for what cannot be."""
    name = preset if isinstance(preset, str) else "model"
    preset = preset if isinstance(preset, Preset) else catalog.load("presets", name)
    preset = config.override(_begun(preset, weights, overrides), overrides)
    changed = replace(preset.data, spec=str(data)) if data else preset.data
    preset = replace(preset, data=replace(changed, columns=columns) if columns else changed)
    if not preset.data.spec:
        needs = " and ".join(preset.objective.needs())
        raise ValueError(f"The preset {name} brings no data along: give some with {needs} (--data FOLDER).")
    check_training(preset.training)
    check_lora(preset)
    check_tuning(preset)
    if preset.training.packing:
        check_packing(preset.objective)
    return name, preset


def check_packing(objective):
    """Raise ValueError for an objective that cannot be learned from rows of several examples."""
    if getattr(objective, "carry", False):
        raise ValueError("objective.carry and training.packing contradict each other. Received: both.")
    if not objective.packs:
        raise ValueError(f"training.packing cannot be had with {type(objective).__name__}: give 0. Received: more.")


def _begun(preset, weights, overrides):
    """The preset with the network and the tokenizer of the folder that training starts from, where there is one."""
    given = [text.partition("=")[2] for text in overrides if text.startswith("training.weights=")]
    weights = next((name for name in (weights, *given[-1:], preset.training.weights) if name), "")
    return start_from(preset, weights) if weights else preset


def check_training(training):
    """Raise ValueError for a training setting out of its range."""
    for field, value in vars(training).items():
        least = LEAST.get(field, 0)
        if isinstance(value, int | float) and not least <= value < float("inf"):
            raise ValueError(f"Expected training.{field} to be {least} or more. Received: {value}.")
        if field in BELOW_ONE and value >= 1:
            raise ValueError(f"Expected training.{field} to be below 1. Received: {value}.")
    for field, known in {"schedule": SCHEDULES, "precision": PRECISIONS}.items():
        value = getattr(training, field)
        if value not in known:
            hint = did_you_mean(value, known)
            raise ValueError(f"Expected training.{field} to be one of {', '.join(known)}. Received: {value!r}.{hint}")


def check_lora(preset):
    """Raise ValueError for settings of LoRA out of their range, or where there is nothing to learn upon."""
    lora = preset.lora
    for field, fits in {"rank": lora.rank >= 0, "alpha": lora.alpha > 0, "dropout": 0 <= lora.dropout < 1}.items():
        if not fits:
            least = "above 0" if field == "alpha" else "0 or more" + " and below 1" * (field == "dropout")
            raise ValueError(f"Expected lora.{field} to be {least}. Received: {getattr(lora, field)}.")
    if lora.rank and not preset.training.weights:
        raise ValueError("lora.rank needs weights to learn upon: give --from FOLDER. Received: none.")
    if lora.rank and getattr(preset.tokenizer, "added", ()):
        raise ValueError(
            "lora.rank leaves the vectors of tokenizer.added as they begin: train without it first, then from there. "
            "Received: both."
        )


def places(to, name):
    """(folder, running): where the model is to be, and where its unfinished run is.

    Raises ValueError where something is in the way: a model folder is replaced, and nothing else is.
    """
    folder = Path(to or Path("saved_models") / name)
    folder = folder if folder.name else folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"Expected a folder to save the model in. Received: {folder}, which is a file.")
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if found and "preset.json" not in found:
        there = ", ".join(found[:5])
        raise ValueError(f"Expected a new folder to save the model in. Received: {folder}, which holds {there}.")
    return folder, folder.with_name(f"{folder.name}.running")


def check_start(running, preset, resume, fresh):
    """Raise ValueError unless this run may begin, or go on, in `running`."""
    described = running / "preset.json"
    if running.is_dir() and not resume and not fresh:
        raise ValueError(f"{running} holds an unfinished run: go on with it (--resume) or throw it away (--fresh).")
    if resume and not described.is_file():
        raise ValueError(
            f"Expected an unfinished run in {running} to resume. Received: no such run. Begin one without --resume."
        )
    if resume:
        _check_same(described, preset)


def _check_same(described, preset):
    try:
        before = config.from_json(described.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{described} cannot be read: {error} Start again with --fresh.") from error
    different = config.differences(before, preset)
    if different:
        raise ValueError(
            f"Expected the settings of the run in {described.parent}. Received: another {', '.join(different)}. "
            "Give the same settings, or throw that run away with --fresh."
        )


def make_folder(running, preset, tokenizer):
    """Make the folder of a new run, whole or not at all, in place of one that is there."""
    with whole_folder(running) as folder:
        write_text(folder / "preset.json", config.to_json(preset))
        tokenizer.save(folder / "tokenizer.json")


def with_tokenizer(preset, tokenizer):
    """The architecture with a vector for each token; of published ones, some have vectors without a token too."""
    least = preset.architecture.vocabulary if preset.training.weights else 0
    return replace(preset.architecture, vocabulary=max(least, tokenizer.size), padding=tokenizer.padding)


def drawn(objective, architecture, weights="", size=0):
    """`(model, fresh)`: the model, and the paths of its weights that no folder gave; `size` is of the tokenizer.

    Raises ValueError, with the reason, where it cannot be drawn with the settings at hand.
    """
    draw = partial(_draw, objective)
    if not weights:
        model = draw(architecture)
        return model, tuple(weight.path for weight in model.weights)
    model, fresh = begin(draw, objective, architecture, weights, size)
    console.print(f"Started from {weights}; weights that begin afresh: {', '.join(fresh) or 'none'}.")
    return model, fresh


def _draw(objective, architecture):
    try:
        return objective.model(architecture)
    except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:  # backends differ in what they raise
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"Cannot draw the network with these settings: {reason} Received: {architecture}.") from error


def keep_exports(before, after):
    """Copy what was exported from the model in the folder `before`: a server may be at it."""
    for path in before.glob("[0-9]*"):
        if path.name.isdigit():
            shutil.copytree(path, after / path.name)
