"""zoo show: every setting of a preset or a model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import Json, print_json, print_message, start
from zoo.runtime.errors import UserError


def show(
    name: Annotated[
        str, typer.Argument(metavar="PRESET|MODEL", help="A name of `zoo list presets`, or a model folder.")
    ],
    json: Json = False,
) -> None:
    """Show every setting of a preset or a model: value, type, default, meaning. Each can be set in zoo train."""
    start()
    preset, settings = load_settings(name)
    if json:
        for setting in settings:
            print_json(setting)
        return
    for part in dict.fromkeys(setting["setting"].partition(".")[0] for setting in settings):
        _print_part(part, preset, [row for row in settings if row["setting"].startswith(f"{part}.")])
    print_message(f"To change one: zoo train {name} PATH=VALUE. * is not the default of the class.")


def load_settings(name: str) -> tuple[Any, list[dict[str, Any]]]:
    """(preset, a dict for each of its fields) of a preset's name or a model folder.

    Raises UserError where there is neither.
    """
    from zoo import catalog, config

    path = Path(name) / "preset.json"
    if path.is_file():
        preset = config.from_json(path.read_text(encoding="utf-8"))
    elif name in catalog.names("presets"):
        preset = catalog.load("presets", name)
    elif Path(name).is_dir():
        raise UserError(f"Expected a preset or a model folder. Received: {name}, a folder without preset.json.")
    else:
        preset = catalog.load("presets", name)  # raises, naming the nearest preset
    return preset, config.describe(preset)


def _print_part(part, preset, settings):
    from zoo import catalog, config

    kind = config.PARTS.get(part)
    print(f"{part}: {catalog.name_of(kind, getattr(preset, part))}" if kind else f"{part}:")
    rows = [_cells(setting) for setting in settings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join(["", *cells, row[3]]).rstrip())


def _cells(setting):
    """Path and value, type, default and meaning of a setting as text; a long value is shortened."""
    value, default = _text(setting["value"]), _text(setting["default"])
    mark = "" if setting["value"] == setting["default"] else " *"
    return f"{setting['setting']}={value}{mark}", setting["type"], f"default {default}", setting["meaning"]


def _text(value):
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
