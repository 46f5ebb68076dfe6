"""zoo list, train, import, average and evaluate: the catalog, and model folders."""

import errno
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import (
    Columns,
    Errors,
    Json,
    Model,
    Quantize,
    Skip,
    Spec,
    columns_of,
    command_of,
    format_scores,
    has_imports,
    is_data,
    parse_duration,
    print_json,
    print_message,
    start,
)
from zoo.cli.score_lines import comparison_lines
from zoo.runtime.errors import UserError


def list_(
    kind: Annotated[
        str, typer.Argument(help="recipes, presets, architectures, objectives, readers, tokenizers, course.")
    ] = "",
    json: Json = False,
) -> None:
    """List the catalog: recipes, presets, architectures, objectives, readers, tokenizers, experiments of the course.

    zoo list objectives also lists the architectures that suit each objective.
    """
    if has_imports() or (kind == "objectives" and not json):
        start()
    from zoo import catalog

    sections = ["recipes", kind] if kind == "presets" and not json else [kind] if kind else catalog.CONTRACTS
    names = {key: catalog.names(key) for key in sections}
    if json:
        return print_json(names)
    width = 2 + max(len(name) for group in names.values() for name in group)
    for key, group in names.items():
        print(f"{key}:")
        for name in group:
            print(f"  {name:{width}}{catalog.describe(key, name)}".rstrip())
            if kind == "objectives":
                print(f"  {'':{width}}with {_architectures_for(name)}")
    if not kind:
        print_message("zoo list objectives: which architectures suit each objective.")


def _architectures_for(objective):
    from zoo import catalog

    settings = catalog.compatible_architectures(objective)
    return ", ".join(f"{name} ({setting})" if setting else name for name, setting in settings.items())


def train(
    preset: Annotated[str, typer.Argument(help="A name of `zoo list presets`, or your data, for which one is chosen.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[PATH.TO.FIELD=VALUE]...")] = None,
    data: Spec = "",
    to: Annotated[
        Path | None, typer.Option(help="The model folder; default saved_models/PRESET, PRESET-2 and so on.")
    ] = None,
    columns: Columns = "",
    errors: Errors = "",
    skip: Skip = False,
    init: Annotated[
        str, typer.Option("--from", help="Warm start: a model folder, hf:OWNER/NAME or keras:PRESET; or scratch.")
    ] = "",
    budget: Annotated[str, typer.Option(help="Time for training, by which settings are chosen: 90s, 10m, 2h.")] = "10m",
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an unfinished run; with training.epochs=N, a finished one.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Discard an unfinished run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the model of the folder, and its exports.")] = False,
) -> None:
    """Train a preset on its own data or on yours.

    zoo train classify_text --data DATA and the other recipes of zoo list choose their settings from your data;
    zoo train DATA also chooses the recipe.
    """
    if not data and is_data(preset):
        preset, data = _chosen_preset(preset, columns), preset
    overrides = [*(overrides or []), *([f"data.errors={errors}"] if errors else [])]
    overrides += ["data.skip_invalid=True"] if skip else []
    options = {
        "to": to,
        "data": data,
        "columns": columns_of(columns),
        "init": init,
        "budget": parse_duration(budget),
        "resume": resume,
        "restart": restart,
        "force": force,
    }
    pipeline = start().train(preset, **options, overrides=overrides)
    _report_scores(pipeline, pipeline.folder)


def _chosen_preset(data, columns):
    """The name of the recipe for the data, after confirmation at a terminal."""
    start()
    from zoo.training.own_data import guess_preset

    name, mapping = guess_preset(data, columns_of(columns))
    print_message(f"The columns of {data} suit {name}: {command_of(name, data, mapping)}")
    if sys.stdin.isatty() and sys.stderr.isatty() and not typer.confirm("Train it?", default=True, err=True):
        raise typer.Exit(0)
    return name


def _report_scores(pipeline, folder):
    for split, scores in pipeline.scores.items():
        print(f"{split}: {format_scores(scores)}")
        for line in comparison_lines(pipeline.baselines.get(split)):
            print(f"  {line}")
    print_message(f"Saved in {folder}. Try: {pipeline.objective.example_command(folder)}")


def import_(
    folder: Annotated[str, typer.Argument(help="A folder of transformers or KerasHub, hf:OWNER/NAME or keras:PRESET.")],
    to: Annotated[Path | None, typer.Option(help="The model folder; default saved_models/NAME.")] = None,
    adapter: Annotated[Path | None, typer.Option(help="An adapter.safetensors to merge with the weights.")] = None,
    pair: Annotated[
        bool | None, typer.Option("--pair/--single", help="A classifier of pairs of texts, or of single texts.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare its answer on a sentence with that of transformers.")
    ] = False,
) -> None:
    """Import published weights, with or without a LoRA adapter, as a model folder."""
    saved: Path = start().import_model(folder, to, adapter, pair=pair, verify=verify)
    from zoo import config

    preset = config.from_json((saved / "preset.json").read_text(encoding="utf-8"))
    example = preset.objective.example_command(saved)
    print_message(f"Saved in {saved}. Try: {example}, or zoo train PRESET --from {saved}")


def average(
    models: Annotated[list[Path], typer.Argument(help="Folders of models fine-tuned from the same weights.")],
    to: Annotated[Path, typer.Option(help="The new model folder.")],
) -> None:
    """Average the weights of models fine-tuned with different seeds or settings (a model soup)."""
    _report_scores(start().average(models, to), to)


def evaluate(
    model: Model,
    data: Spec = "",
    columns: Columns = "",
    errors: Errors = "strict",
    skip: Skip = False,
    quantize: Quantize = "",
    json: Json = False,
    picture: Annotated[Path | None, typer.Option(help="Plot the confusion matrix to this PNG.")] = None,
) -> None:
    """Evaluate a model on the test split of its own data or on yours."""
    _check_picture(picture)
    names = columns_of(columns)
    pipeline = start().load(model, quantize or "float32")
    from zoo.data.row_report import naming_skip

    with naming_skip():
        scores, per_class, confusion, comparison = pipeline.scores_and_tables(data, "", names, errors, skip)
    if picture:
        _plot(confusion, pipeline.objective, picture)
    if json:
        return print_json(scores | {"comparison": asdict(comparison)})
    for row in per_class:
        cells = (
            f"{value:<24}" if isinstance(value, str) else format_scores({name: value}) for name, value in row.items()
        )
        print("  ".join(cells))
    print(format_scores(scores))
    for line in comparison_lines(comparison):
        print(f"  {line}")


def _check_picture(path):
    if path and path.suffix.lower() != ".png":
        raise UserError(f"Expected --picture NAME.png. Received: {path}.")
    if path and not path.absolute().parent.is_dir():  # now, not after the evaluation
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def _plot(confusion, objective, path):
    from zoo.runtime.files import atomic_file
    from zoo.training.plots import plot_confusion

    if confusion is None:
        raise UserError(
            "Expected a model that classifies texts, one label each, for --picture. Received: another model."
        )
    with atomic_file(path) as file:
        plot_confusion(confusion, objective.labels, file)
