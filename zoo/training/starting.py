"""The start of a run: its model folder, its settings and its record, of a new run or of one that is resumed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from zoo.presets import Preset
from zoo.readers.memory import DataInMemory, to_spec
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.training.folder_choice import check_unicode, lock_folder
from zoo.training.hardware import prefers_bfloat16
from zoo.training.own_data import SCRATCH
from zoo.training.run_folders import check_same, check_start, resumed_preset, running_folder
from zoo.training.run_lock import RunLock
from zoo.training.run_record import RunRecord, load_record, new_record, train_command
from zoo.training.setup import check_training, resolve_preset
from zoo.training.sharded_checkpoint import checkpoint_path
from zoo.training.start_advice import print_start_advice


def start_of_run(
    preset: str | Preset,
    to: str | Path | None,
    data: str | Path | DataInMemory | None,
    columns: Mapping[str, str] | None,
    overrides: list[str],
    init: str,
    budget: float,
    *,
    resume: bool,
    restart: bool,
    force: bool,
    lock: RunLock,
) -> tuple[Path, Preset, RunRecord]:
    """(model folder, preset, record); the state of the record is "finished" where there is nothing to resume.

    A run that is resumed by the preset's name has its own settings, so that only those that change need be given.

    Args: see `zoo.train`. The lock acquires the model folder. Raises UserError for a mistake in the arguments.
    """
    check_unicode(to, "the model folder")
    check_unicode(data if isinstance(data, str | Path) else "", "the data")
    check_unicode(init, "the weights to start from")
    for setting in overrides:
        check_unicode(setting, "a setting")
    spec = to_spec(data, fingerprint=True)
    command = train_command(preset, spec, columns, overrides, init) if isinstance(preset, str) else ""
    if resume and isinstance(preset, str):
        name, folder = preset, lock_folder(lock, to, preset, resume, restart)
        check_start(folder, resume, restart, force)
        weights = "" if init == SCRATCH else init
        preset = resumed_preset(folder, name, overrides, spec, dict(columns or {}), weights)
        check_training(preset.training)
    else:
        name, preset = resolve_preset(preset, spec, columns, overrides, init, budget)
        folder = lock_folder(lock, to, name, resume, restart)
        check_start(folder, resume, restart, force)
    if not to:
        console.print(f"Model folder: {folder}")
    print_start_advice(preset, prefers_bfloat16())
    if not resume:
        return folder, preset, new_record(name, command, preset)
    longer, running = check_same(folder, preset), running_folder(folder).is_dir()
    path = checkpoint_path(folder)
    if longer and not running and not path.exists():
        reason = "none: the run had training.keep_checkpoint=false. Start from its weights: --from FOLDER."
        raise UserError(f"Expected {path}, to go on after it. Received: {reason}")
    record = load_record(running_folder(folder) if running else folder) or new_record(name, command, preset)
    return folder, preset, record.resumed(preset, longer) if longer or running else replace(record, state="finished")
