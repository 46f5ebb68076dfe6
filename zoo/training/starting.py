"""The start of a run: its model folder, its settings and its record, of a new run or of one that is resumed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.training.run_folders import check_same, check_start, choose_folder, resumed_preset, running_folder
from zoo.training.run_record import RunRecord, load_record, new_record, train_command
from zoo.training.setup import check_training, resolve_preset


def start_of_run(
    preset: str | Preset,
    to: str | Path | None,
    data: str | Path | None,
    columns: Mapping[str, str] | None,
    overrides: list[str],
    init: str,
    resume: bool,
    restart: bool,
    force: bool,
) -> tuple[Path, Preset, RunRecord]:
    """(model folder, preset, record); the state of the record is "finished" where there is nothing to resume.

    A run that is resumed by the preset's name has its own settings, so that only those that change need be given.

    Args: see `zoo.train`. Raises UserError for a mistake in the arguments.
    """
    command = train_command(preset, data, columns, overrides, init) if isinstance(preset, str) else ""
    if resume and isinstance(preset, str):
        name, folder = preset, choose_folder(to, preset, resume)
        check_start(folder, resume, restart, force)
        preset = resumed_preset(folder, name, overrides, str(data or ""), dict(columns or {}), init)
        check_training(preset.training)
    else:
        name, preset = resolve_preset(preset, data, columns, overrides, init)
        folder = choose_folder(to, name, resume, restart)
        check_start(folder, resume, restart, force)
    if not to:
        console.print(f"Model folder: {folder}")
    if not resume:
        return folder, preset, new_record(name, command, preset)
    longer, running = check_same(folder, preset), running_folder(folder).is_dir()
    record = load_record(running_folder(folder) if running else folder) or new_record(name, command, preset)
    return folder, preset, record.resumed(preset, longer) if longer or running else replace(record, state="finished")
