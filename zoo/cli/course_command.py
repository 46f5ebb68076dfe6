"""zoo course: the claims of a course on deep learning for language, each an experiment."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Json, has_imports, print_json, print_message, start


def course(
    name: Annotated[str, typer.Argument(help="An experiment, or NAME:small for a quick one; none: list all.")] = "",
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...")] = None,
    to: Annotated[Path | None, typer.Option(help="The folder of NAME.csv and NAME.png; default course.")] = None,
    seeds: Annotated[int, typer.Option(help="How often it is measured: seeds 0, 1 and so on.")] = 3,
    json: Json = False,
) -> None:
    """Run an experiment of the course: what is claimed, what was measured, and whether the claim holds.

    zoo course lists the experiments.
    """
    if not name:
        return _list(json)
    result = start().run_experiment(name, overrides or (), to=to, seeds=seeds)
    if json:
        for finding in result.findings:
            print_json(asdict(finding))
    else:
        _print_findings(result.findings)
    print_message(f"The rows are in {result.table}, the picture in {result.picture}.")


def _list(json) -> None:
    if has_imports():
        start()
    from zoo import catalog
    from zoo.course._listing import course_order

    order = course_order()
    if json:
        for name, number in order.items():
            print_json({"number": number, "name": name, "title": catalog.describe("course", name)})
        return
    width = max(map(len, order), default=0)
    for name, number in order.items():
        print(f"{number:2}  {name:{width}}  {catalog.describe('course', name)}")
    print_message("zoo course NAME runs one.")


def _print_findings(findings) -> None:
    for finding in findings:
        print(f"claim:    {finding.claim}")
        print(f"measured: {finding.measured}")
        print(f"holds:    {'yes' if finding.holds else 'no'}\n")
