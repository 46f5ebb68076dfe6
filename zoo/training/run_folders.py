"""Folders of runs: each run has a model folder of its own; an unfinished run is in `<folder>.running`."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zoo import config
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, write_text
from zoo.text.tokenizer import Tokenizer
from zoo.training.run_record import RunRecord, load_record
from zoo.training.sharded_checkpoint import SHARDED, copy_checkpoint

EXTENDABLE = {
    *("training.epochs", "training.max_steps", "training.patience", "training.keep_checkpoint"),
    *("training.distribute", "training.model_devices"),
}
RUN_FOLDERS = {"logs", SHARDED}  # that a run writes in its model folder


def running_folder(folder: Path) -> Path:
    """The folder of the unfinished run of a model folder."""
    return folder.with_name(f"{folder.name}.running")


def check_start(folder: Path, resume: bool, restart: bool, force: bool) -> None:
    """Raise UserError unless a run may start, or resume, with that model folder.

    A model is overwritten only with `force`, or where it is the model of the run that is resumed or discarded. Exports
    in the folder are of the old weights: they are removed with it, which needs `force` too.
    """
    running = running_folder(folder)
    if running.is_symlink() or (running.exists() and not running.is_dir()):
        kind = "link" if running.is_symlink() else "file"
        raise UserError(f"Expected a folder, or nothing, at {running}. Received: a {kind}. Move it, or remove it.")
    if running.is_dir() and not resume and not restart:
        raise UserError(f"{running} holds an unfinished run: continue it (--resume) or discard it (--restart).")
    if resume and not running.is_dir() and not is_model(folder):
        hint = "Start a run without --resume."
        raise UserError(f"Expected an unfinished run in {running} to resume. Received: no such run. {hint}")
    if force or not is_model(folder):
        return
    if not resume and not (restart and running.is_dir()):
        raise UserError(f"{folder} holds a model: replace it (--force), or save in another folder (--to).")
    if exports(folder):
        raise UserError(
            f"{folder} holds exports of its model, which a new one would make outdated: {', '.join(exports(folder))}. "
            "Move them, or remove them with the old model (--force)."
        )


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model."""
    return (folder / "preset.json").is_file()


def exports(folder: Path) -> list[str]:
    """Names of the folders in a model folder that no run wrote, such as exported models."""
    if not folder.is_dir():
        return []
    folders = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted(name for name in folders if name not in RUN_FOLDERS and not name.startswith("."))


def resumed_preset(folder: Path, name: str, overrides: Sequence[str], data: str, columns: dict, init: str) -> Preset:
    """The settings of the run to resume, with those overrides that `check_same` then compares.

    Raises UserError for a run of another preset.
    """
    running = running_folder(folder)
    path = running / "preset.json" if running.is_dir() else folder
    record = load_record(running if running.is_dir() else folder)
    if record and record.preset != name:
        raise UserError(f"Expected the preset of the run in {path.parent}, {record.preset}. Received: {name}.")
    preset = config.override(_settings(folder), overrides)
    if data or columns:
        section = replace(preset.data, spec=data or preset.data.spec, columns=columns or preset.data.columns)
        preset = replace(preset, data=section)
    return replace(preset, training=replace(preset.training, init=init)) if init else preset


def check_same(folder: Path, preset: Preset) -> list[str]:
    """The settings that make the run longer. Raises UserError where other settings differ from those of the run."""
    different = config.differences(_settings(folder), preset)
    if not set(different) <= EXTENDABLE:
        path = running_folder(folder) if running_folder(folder).is_dir() else folder
        raise UserError(
            f"Expected the settings of the run in {path}. Received: another "
            f"{', '.join(name for name in different if name not in EXTENDABLE)}. Give the same settings, or discard "
            "that run with --restart. Only its length (training.epochs, max_steps, patience) and devices may change."
        )
    return different


def _settings(folder):
    """The preset with which the run was started."""
    running = running_folder(folder)
    path = running / "preset.json"
    try:
        if running.is_dir():
            return config.from_json(path.read_text(encoding="utf-8"))
        path, record = folder / "run.json", load_record(folder)
        return config.from_json(json.dumps(record.settings if record else {}))
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error} Start again with --restart.") from error


def open_folder(folder: Path, preset: Preset, tokenizer: Tokenizer, record: RunRecord, resume: bool) -> None:
    """Create or update the folder of the unfinished run of a model folder, atomically where it is new.

    A finished run that goes on takes its checkpoint, history and logs along.
    """
    running = running_folder(folder)
    if resume and running.is_dir():
        return _write_settings(running, preset, record)
    with atomic_folder(running) as partial:
        _write_settings(partial, preset, record)
        tokenizer.save(partial / "tokenizer.json")
        if resume:
            copy_checkpoint(folder, partial)
            if (folder / "loss.csv").is_file():
                shutil.copy(folder / "loss.csv", partial)
            shutil.copytree(folder / "logs", partial / "logs")


def _write_settings(running, preset, record):
    write_text(running / "preset.json", config.to_json(preset))
    record.save(running)
