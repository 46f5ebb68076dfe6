"""`zoo.run_experiment`: an experiment of the course, measured for several seeds, with its CSV file and its picture."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from zoo import catalog, config
from zoo.course._experiment import Experiment, Finding, Row
from zoo.runtime.console import console
from zoo.runtime.durability import make_folder
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file, write_text
from zoo.training.callbacks import to_csv
from zoo.training.environment import set_seed

FOLDER = Path("course")  # of the results, in the current folder


@dataclass(frozen=True)
class ExperimentResult:
    """The result of an experiment: the rows of all seeds, a finding for each claim, and the files."""

    name: str
    rows: list[Row]
    findings: list[Finding]
    table: Path  # the rows as CSV
    picture: Path  # PNG


def run_experiment(
    experiment: str | Experiment,
    overrides: Iterable[str] = (),
    *,
    to: str | Path | None = None,
    seeds: int = 3,
) -> ExperimentResult:
    """Run an experiment of the course; its rows are NAME.csv, rewritten after each seed, and its picture NAME.png.

    >>> result = zoo.run_experiment("positional_encodings", ["width=8"], to="results")
    >>> all(finding.holds for finding in result.findings)
    True

    Args:
        experiment: a name of `zoo course`, a name with a named size such as `layer_norm:small`, or an `Experiment`.
        overrides: strings such as `depths=2,4`.
        to: the folder of the two files; default `course`.
        seeds: how often the experiment is measured, with the seeds 0, 1 and so on; once if no seed changes its rows.

    After Ctrl-C both files hold the seeds that are complete. Raises UserError for an unknown name, size or field, and
    for no seeds.
    """
    if seeds < 1:
        raise UserError(f"Expected seeds of 1 or more. Received: {seeds}.")
    experiment = config.override_fields(_named(experiment), overrides)
    name, folder = catalog.name_of("course", experiment), Path(FOLDER if to is None else to)
    make_folder(folder)
    table, picture = folder / f"{name}.csv", folder / f"{name}.png"
    rows: list[Row] = []
    try:
        for seed in range(seeds if experiment.seeded else 1):
            rows += _measure(experiment, name, seed)
            write_text(table, to_csv(rows))
    except KeyboardInterrupt:
        if rows:
            _save_picture(experiment, rows, picture)
        raise
    _save_picture(experiment, rows, picture)
    return ExperimentResult(name, rows, experiment.findings(rows), table, picture)


def _named(experiment) -> Experiment:
    """The experiment of a name: with the sizes of its fields' defaults, or with a named size."""
    if isinstance(experiment, Experiment):
        return experiment
    return catalog.create("course", experiment) if ":" in experiment else catalog.load("course", experiment)()


def _measure(experiment, name, seed) -> list[Row]:
    set_seed(seed)
    start = time.perf_counter()
    with console.status(f"{name}: seed {seed}"):
        rows = [{"seed": seed, **row} for row in experiment.measure(seed)]
    console.print(f"{name}: seed {seed} took {time.perf_counter() - start:.1f} s")
    return rows


def _save_picture(experiment, rows, path: Path) -> None:
    figure = Figure(figsize=(8, 4), layout="constrained")
    experiment.plot(rows, figure)
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=100, pil_kwargs={"optimize": True})
