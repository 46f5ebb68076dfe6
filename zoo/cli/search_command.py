"""zoo search: hyperparameters by Optuna."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Columns, Errors, Json, Spec, columns_of, format_scores, print_json, print_message, start
from zoo.cli.runs_command import print_table


def search(
    preset: Annotated[str, typer.Argument(help="A name of `zoo list presets`.")],
    ranges: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH=log(LOW,HIGH)|LOW..HIGH|A,B,C|VALUE]...", help="Ranges, choices, fixed values."),
    ] = None,
    trials: Annotated[int, typer.Option(help="Trials in all.")] = 20,
    data: Spec = "",
    to: Annotated[Path | None, typer.Option(help="The study's folder; default saved_models/PRESET-search.")] = None,
    columns: Columns = "",
    errors: Errors = "",
    init: Annotated[
        str, typer.Option("--from", help="Warm start: a model folder, hf:OWNER/NAME or keras:PRESET.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    json: Json = False,
) -> None:
    """Search hyperparameters with Optuna: each trial is a run. The same command continues an interrupted search."""
    start()
    from zoo.training.search import search as run_search

    assignments = [*(ranges or []), *([f"data.errors={errors}"] if errors else [])]
    options = {"to": to, "trials": trials, "data": data, "columns": columns_of(columns), "init": init, "seed": seed}
    result = run_search(preset, assignments, **options)
    if json:
        for trial in result.trials:
            print_json(vars(trial))
        return
    paths = list(result.best.params)
    rows = [
        [str(trial.number), trial.state, _score(trial.score), *(_cell(trial, path) for path in paths)]
        for trial in result.trials
    ]
    print_table([["trial", "state", "validation", *paths], *rows])
    print(f"best: trial {result.best.number}, in {result.folder / f'trial-{result.best.number}'}")
    for split, scores in result.best.scores.items():
        print(f"{split}: {format_scores(scores)}")
    print(result.command)
    print_message(f"The study, trials.csv and trials.png are in {result.folder}.")


def _score(score):
    return "" if score is None else f"{score:.4f}"


def _cell(trial, path):
    value = trial.params.get(path, "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
