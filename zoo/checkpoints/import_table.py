"""The table at the end of an import: what was read of a folder, and what differs from the defaults of transformers."""

from collections.abc import Iterator
from dataclasses import fields

from zoo import catalog
from zoo.checkpoints.folder import Imported
from zoo.checkpoints.folder_settings import APPLIED, UNUSED, Setting
from zoo.objectives import Objective
from zoo.runtime.errors import shorten
from zoo.text.tokenizer import Tokenizer

VALUE = 60  # characters of a value in the table


def import_lines(imported: Imported) -> Iterator[str]:
    """Yield the lines of the table: what was read of each file, then settings that are not defaults or not applied."""
    settings, pipeline = imported.settings, imported.pipeline
    for file in dict.fromkeys(setting.file for setting in settings):
        yield _counts(file, [setting for setting in settings if setting.file == file])
    yield f"Tokenizer: {_describe_tokenizer(pipeline.tokenizer)}."
    yield f"Objective: {_describe_objective(pipeline.objective)}."
    changed = [setting for setting in settings if setting.changed]
    if changed:
        width = max(len(setting.key) for setting in changed)
        yield "Differs from the defaults of transformers:"
        yield from (f"  {setting.key:{width}}  {_change(setting)}" for setting in changed)
    notes = [setting.effect for setting in settings if setting.named]
    yield from (f"Note: {note}." for note in [*([imported.note] if imported.note else []), *notes])


def _describe_tokenizer(tokenizer: Tokenizer):
    """The size of a vocabulary, and the special tokens by their roles."""
    ids = {"start": tokenizer.start, "end": tokenizer.end, "padding": tokenizer.padding, "mask": tokenizer.mask}
    roles = [f"{role} {tokenizer.token(id)}" for role, id in ids.items() if id is not None]
    ends = [str(tokenizer.token(id)) for id in tokenizer.stop_ids if id != tokenizer.end]
    template = tokenizer.settings.chat_template if tokenizer.settings else None
    parts = [f"{tokenizer.vocabulary_size:,} tokens", *roles, *([f"further ends {' '.join(ends)}"] if ends else [])]
    return ", ".join([*parts, *(["chat template"] if template else [])])


def _describe_objective(objective: Objective):
    """The name of an objective, its length, and its fields that a folder has set."""
    default = type(objective)()
    values = {field.name: getattr(objective, field.name) for field in fields(objective)}
    changed = [
        f"{name}={shorten(value, VALUE)}"
        for name, value in values.items()
        if name == "length" or value != getattr(default, name)
    ]
    return ", ".join([catalog.name_of("objectives", objective), *changed])


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
