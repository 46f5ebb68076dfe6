"""The table at the end of an import: what was read of a folder, and what differs from the defaults of transformers."""

from collections.abc import Iterator

from zoo.checkpoints.folder import Imported
from zoo.checkpoints.folder_settings import APPLIED, UNUSED, Setting
from zoo.runtime.errors import shorten

VALUE = 60  # characters of a value in the table


def import_lines(imported: Imported) -> Iterator[str]:
    """Yield the lines of the table: counts for each file, then settings that are not defaults or not applied."""
    settings = imported.settings
    for file in dict.fromkeys(setting.file for setting in settings):
        yield _counts(file, [setting for setting in settings if setting.file == file])
    changed = [setting for setting in settings if setting.changed]
    if changed:
        width = max(len(setting.key) for setting in changed)
        yield "Differs from the defaults of transformers:"
        yield from (f"  {setting.key:{width}}  {_change(setting)}" for setting in changed)
    notes = [setting.effect for setting in settings if setting.named]
    yield from (f"Note: {note}." for note in [*([imported.note] if imported.note else []), *notes])


def _counts(file, settings):
    counts = {effect: sum(setting.effect == effect for setting in settings) for effect in (APPLIED, UNUSED)}
    named = sum(setting.named for setting in settings)
    parts = [
        f"{counts[APPLIED]} applied",
        f"{counts[UNUSED]} without effect",
        *([f"{named} noted below"] if named else []),
    ]
    return f"{file}: {len(settings)} settings read: {', '.join(parts)}."


def _change(setting: Setting) -> str:
    default = "" if setting.default is None else f"  (default {shorten(setting.default, VALUE)})"
    return f"{shorten(setting.value, VALUE)}{default}"
