"""zoo check: counts, lengths, labels, duplicates and likely mistakes of a dataset, and the presets that suit it."""

from typing import Annotated, Any

import typer

from zoo.cli.options import Columns, Errors, Json, Skip, columns_of, command_of, print_json, start
from zoo.runtime.errors import UserError

MOST = 15  # labels, scripts or presets in a list; further ones are counted


def check(
    data: Annotated[str, typer.Argument(help="Data set: tfds:NAME, sample:NAME or a path; #SPLIT selects a split.")],
    columns: Columns = "",
    errors: Errors = "strict",
    skip: Skip = False,
    json: Json = False,
) -> None:
    """Check a dataset: rows, lengths, labels, duplicates, likely mistakes, and which presets suit it.

    Columns that --columns does not name are guessed, as by zoo train DATA.
    """
    start()
    from zoo.data.data_check import check_data
    from zoo.data.opening import first_row, open_dataset
    from zoo.data.row_report import naming_skip
    from zoo.training.own_data import guess_preset

    recipe, names = guess_preset(data, columns_of(columns), errors)
    with naming_skip():
        dataset = open_dataset(data, names, errors=errors, split_strategy="", skip_invalid=skip)
        report = check_data(dataset)
    fits = _fits_of(report)
    data_columns = list(first_row(data, errors))
    if json:
        suggested = {"recipe": recipe, "mapping": names}
        return print_json({"columns": data_columns, **suggested, **report.to_json(), "fits": fits})
    print(f"columns: {', '.join(data_columns)}")
    for line in (
        *_statistics(report.statistics),
        *_findings(report),
        *_fits(fits),
        f"train: {command_of(recipe, data, names)}",
    ):
        print(line)


def _statistics(statistics):
    """Yield lines of counts, lengths and labels."""
    yield "rows: " + "  ".join(f"{split} {count}" for split, count in statistics.rows.items())
    yield f"fields: {', '.join(statistics.fields) or 'none'}"
    for field, words in statistics.words.items():
        characters = statistics.characters[field]
        yield (
            f"length of {field}: median {words.median} words, 95th percentile {words.p95}, longest {words.longest} "
            f"({characters.longest} characters)"
        )
    for field, counts in statistics.label_counts.items():
        yield f"{field}: {len(counts)} values: {_listed(counts)}"


def _findings(report):
    """Yield lines of rare labels, duplicates, overlaps, empty texts, scripts and likely mistakes."""
    for field, counts in report.rare_labels.items():
        yield f"rare values of {field}, below 10: {_listed(counts)}"
    for split, count in report.duplicates.items():
        if count:
            yield f"duplicates in {split}: {count} rows with the text of an earlier row"
    for split, count in report.shared.items():
        yield f"shared by train and {split}: {count} of {report.statistics.rows[split]} rows of {split}"
    for field, count in report.empty.items():
        if count:
            yield f"empty {field}: {count} rows"
    scripts = ", ".join(f"{script} {share:.1%}" for script, share in list(report.scripts.items())[:MOST])
    yield f"scripts: {scripts or 'none'}"
    for mistake in report.mistakes:
        yield f"likely mistake: {mistake}"


def _listed(counts):
    """Labels with their counts in a line, the most frequent first."""
    items = [f"{label} {count}" for label, count in counts.items()]
    return ", ".join(items[:MOST]) + (f" and {len(items) - MOST} more" if len(items) > MOST else "")


def _fits(fits):
    for objective, fit in fits.items():
        names, rows = fit["presets"], fit["unusable"]
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        skip = f" (with --skip: {rows} of the first rows cannot be used)" if rows else ""
        yield f"fits {objective}{skip}: {', '.join(names[:MOST]) or 'no preset'}{more}"
    if not fits:
        yield "fits no objective as it is: map columns to fields by --columns"


def _fits_of(report) -> dict[str, dict[str, Any]]:
    """{objective, with the setting that it needs: its presets, and how many of the first rows it cannot use}."""
    from zoo import catalog

    presets = {name: catalog.load("presets", name).objective for name in catalog.names("presets")}
    fits = {}
    for name in catalog.names("objectives"):
        cls: Any = catalog.load("objectives", name)
        settings = {"": {}} | {f" objective.{setting}=True": {setting: True} for setting in cls.reads_by.values()}
        for setting, values in settings.items():
            unusable = _unusable(cls(**values), report)
            if unusable < len(report.sample):
                suiting = [key for key, objective in presets.items() if type(objective) is cls]
                fits[f"{name}{setting}"] = {"presets": suiting, "unusable": unusable}
    return fits


def _unusable(objective, report):
    """How many records of the sample an objective cannot be trained on; all where labels are of another kind."""
    from zoo.data.data_check import are_numbers

    field = getattr(objective, "label_field", "")
    counts = report.statistics.label_counts.get(field, {})
    single = field == "labels" and all(len(record.get(field, ())) == 1 for record in report.sample)
    if single or (field and (are_numbers(counts) or len(counts) < 2)):
        return len(report.sample)
    return sum(not _is_usable(objective, record) for record in report.sample)


def _is_usable(objective, record):
    try:
        complete = all(name in record for name in objective.fields.required)
        if complete:
            objective.check_record("", record)
    except UserError:
        return False
    return complete
