"""Setup of a run: the preset with its overrides, checks of every setting, the run's folder and the model."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras

from zoo import catalog, config
from zoo.architectures import Architecture
from zoo.checkpoints.warm_start import start_from, warm_start
from zoo.objectives import Objective, build_model
from zoo.presets import Preset, Training
from zoo.runtime.console import console
from zoo.runtime.errors import UserError, did_you_mean
from zoo.runtime.files import atomic_folder, write_text
from zoo.text.tokenizer import Tokenizer
from zoo.training.data_columns import with_data
from zoo.training.finetuning import check_tuning
from zoo.training.optimizer import SCHEDULES

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
MINIMUM = {"epochs": 1, "batch_size": 1, "accumulation": 1}  # of numbers in `Training`; 0 for all others
BELOW_ONE = ("warmup", "ema", "beta_1", "beta_2")


def resolve_preset(
    preset: str | Preset,
    data: str | Path | None,
    columns: Mapping[str, str] | None,
    overrides: Sequence[str],
    init: str = "",
) -> tuple[str, Preset]:
    """(name, preset) with the user's overrides applied.

    Args: see `zoo.train`. Raises UserError for a setting that is unknown, out of range or without effect, and for a
    class that is not registered, which could not be loaded again.
    """
    name = preset if isinstance(preset, str) else "model"
    base = preset if isinstance(preset, Preset) else catalog.load("presets", name)
    base.objective.fields.check_columns(base.data.columns)
    preset = config.override(_with_init(base, init, overrides), overrides)
    preset = with_data(preset, base.data, data, columns, overrides)
    for part, kind in config.PARTS.items():
        catalog.name_of(kind, getattr(preset, part))  # raises where a class could not be loaded again
    if not preset.data.spec:
        fields = " and ".join(preset.objective.fields.required)
        raise UserError(f"Expected data with {fields} for the preset {name}: give --data FOLDER. Received: none.")
    check_training(preset.training)
    check_lora(preset)
    check_tuning(preset)
    check_packing(preset)
    return name, preset


def check_packing(preset: Preset) -> None:
    """Raise UserError for packed rows of an objective that cannot be trained on them."""
    objective, length = preset.objective, preset.training.packed_length
    if length and objective.stateful:
        raise UserError("objective.stateful and training.packed_length contradict each other. Received: both.")
    if length and not objective.packable:
        name = type(objective).__name__
        raise UserError(f"training.packed_length must be 0 with {name}. Received: training.packed_length={length}.")


def _with_init(preset, init, overrides):
    """The preset with the network and tokenizer of its warm start, if any."""
    overridden = [text.partition("=")[2] for text in overrides if text.startswith("training.init=")]
    init = init or (overridden[-1] if overridden else "") or preset.training.init
    return start_from(preset, init) if init else preset


def check_training(training: Training) -> None:
    """Raise UserError for a training setting out of its range."""
    for field, value in vars(training).items():
        minimum = MINIMUM.get(field, 0)
        if isinstance(value, int | float) and not minimum <= value < float("inf"):
            raise UserError(f"Expected training.{field} to be {minimum} or more. Received: {value}.")
        if field in BELOW_ONE and value >= 1:
            raise UserError(f"Expected training.{field} to be below 1. Received: {value}.")
    for field, known in {"schedule": SCHEDULES, "precision": PRECISIONS}.items():
        value = getattr(training, field)
        if value not in known:
            hint = did_you_mean(value, known)
            raise UserError(f"Expected training.{field} to be one of {', '.join(known)}. Received: {value!r}.{hint}")


def check_lora(preset: Preset) -> None:
    """Raise UserError for LoRA settings out of range, or without weights to start from."""
    lora = preset.lora
    ranges = {  # {field: (whether its value is legal, the legal values)}
        "rank": (lora.rank >= 0, "0 or more"),
        "alpha": (lora.alpha > 0, "above 0"),
        "dropout": (0 <= lora.dropout < 1, "0 or more and below 1"),
    }
    for field, (legal, expected) in ranges.items():
        if not legal:
            raise UserError(f"Expected lora.{field} to be {expected}. Received: {getattr(lora, field)}.")
    if lora.rank and not preset.training.init:
        raise UserError("lora.rank needs weights to start from: give --from FOLDER. Received: none.")
    if lora.rank and getattr(preset.tokenizer, "added_tokens", ()):
        raise UserError(
            "lora.rank freezes the embeddings of tokenizer.added_tokens: train without LoRA first, then start "
            "from that folder. Received: both."
        )


def run_folders(to: str | Path | None, name: str) -> tuple[Path, Path]:
    """(model folder, folder of its unfinished run).

    Raises UserError where the model folder exists and holds anything but a model.
    """
    folder = Path(to or Path("saved_models") / name)
    folder = folder if folder.name else folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"Expected a folder to save the model in. Received: {folder}, which is a file.")
    files = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if files and "preset.json" not in files:
        received = f"{folder}, which holds {', '.join(files[:5])}"
        raise UserError(f"Expected a new folder to save the model in. Received: {received}.")
    return folder, folder.with_name(f"{folder.name}.running")


def check_start(running: Path, preset: Preset, resume: bool, restart: bool) -> None:
    """Raise UserError unless this run may start, or resume, in `running`."""
    path = running / "preset.json"
    if running.is_dir() and not resume and not restart:
        raise UserError(f"{running} holds an unfinished run: continue it (--resume) or discard it (--restart).")
    if resume and not path.is_file():
        hint = "Start a run without --resume."
        raise UserError(f"Expected an unfinished run in {running} to resume. Received: no such run. {hint}")
    if resume:
        _check_same(path, preset)


def _check_same(path, preset):
    try:
        before = config.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error} Start again with --restart.") from error
    different = config.differences(before, preset)
    if different:
        raise UserError(
            f"Expected the settings of the run in {path.parent}. Received: another {', '.join(different)}. "
            "Give the same settings, or discard that run with --restart."
        )


def make_folder(running: Path, preset: Preset, tokenizer: Tokenizer) -> None:
    """Create the folder of a new run atomically, in place of an old run."""
    with atomic_folder(running) as folder:
        write_text(folder / "preset.json", config.to_json(preset))
        tokenizer.save(folder / "tokenizer.json")


def match_tokenizer(preset: Preset, tokenizer: Tokenizer) -> Architecture:
    """The architecture with the tokenizer's vocabulary size and padding id.

    A pretrained network may have more embeddings than its tokenizer has tokens; their number stays.
    """
    minimum = preset.architecture.vocabulary if preset.training.init else 0
    return replace(preset.architecture, vocabulary=max(minimum, tokenizer.vocabulary_size), padding=tokenizer.padding)


def initial_model(
    objective: Objective, architecture: Architecture, init: str = "", vocabulary_size: int = 0
) -> tuple[keras.Model, tuple[str, ...]]:
    """Build the network with its head: `(model, paths of the weights with new, random values)`.

    Args:
        init: warm start: a folder or name whose weights are loaded.
        vocabulary_size: of the tokenizer.

    Raises UserError, with the reason, where these settings make no network.
    """
    build = partial(_build, objective)
    if not init:
        model = build(architecture)
        return model, tuple(weight.path for weight in model.weights)
    model, new = warm_start(build, objective, architecture, init, vocabulary_size)
    console.print(f"Started from {init}; new weights: {', '.join(new) or 'none'}.")
    return model, new


def _build(objective, architecture):
    try:
        return build_model(objective, architecture)
    except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:  # backends differ in what they raise
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"Cannot build the network with these settings: {reason} Received: {architecture}.") from error


def keep_exports(before: Path, after: Path) -> None:
    """Copy the exported SavedModels of the model folder `before`: a server may be reading them."""
    for path in before.glob("[0-9]*"):
        if path.name.isdigit():
            shutil.copytree(path, after / path.name)
