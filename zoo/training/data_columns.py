"""Columns of a run: a preset's mapping is for its own data, the user's for fields that the objective reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zoo.data.columns import has_column
from zoo.data.opening import first_row
from zoo.objectives import Objective
from zoo.presets import Data, Preset
from zoo.runtime.console import console

COLUMNS = "data.columns."  # of an override


def with_data(
    preset: Preset,
    base: Data,
    data: str = "",
    columns: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Preset:
    """The preset with the user's data and columns, and an objective that reads every field that the user maps.

    A mapping of the preset belongs to its own data. Of other data it maps a field only where the data has the mapped
    column and no column with the field's own name; a message says so.

    Args:
        preset: with the overrides applied.
        base: the data of the preset before the overrides.
        data, columns, overrides: as of `zoo.train`.

    Raises UserError for a mapped field that the objective does not read.
    """
    spec = data or preset.data.spec
    overridden = [text.removeprefix(COLUMNS).partition("=")[0] for text in overrides if text.startswith(COLUMNS)]
    user = dict(columns or {field: preset.data.columns[field] for field in overridden})
    objective = reading_objective(preset.objective, user, overrides)
    inherited = {} if columns else {f: name for f, name in base.columns.items() if f in objective.fields.train}
    if inherited and spec and _name(spec) != _name(base.spec):
        inherited = _present(spec, inherited, preset.data.errors)
    return replace(preset, objective=objective, data=replace(preset.data, spec=spec, columns=inherited | user))


def reading_objective(objective: Objective, columns: Mapping[str, str], overrides: Sequence[str] = ()) -> Objective:
    """The objective with the settings by which it reads every field of `columns`, such as `pair` for `text_pair`.

    A message names each setting that changes. Raises UserError for a field that the objective cannot read, or that an
    override such as `objective.pair=False` excludes.
    """
    for field in columns:
        setting = objective.reads_by.get(field, "")
        excluded = any(text.startswith(f"objective.{setting}=") for text in overrides)
        if field not in objective.fields.train and setting and not excluded:
            objective = replace(objective, **{setting: True})
            console.print(f"objective.{setting}=True, to read the column of {field}.")
    objective.fields.check_columns(columns)
    return objective


def _name(spec):
    """A spec without its split."""
    return spec.rpartition("#")[0] or spec


def _present(spec, columns, errors):
    """Those of a preset's columns that the data has, for fields without a column of their own name."""
    row = first_row(spec, errors)
    present = {field: name for field, name in columns.items() if field not in row and has_column(row, name)}
    if present:
        listed = ", ".join(f"{field} from {name!r}" for field, name in sorted(present.items()))
        console.print(f"Columns as in the preset: {listed}. Others are named by --columns.")
    return present
