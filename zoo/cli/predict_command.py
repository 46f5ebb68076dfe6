"""zoo predict: predictions for raw texts."""

from typing import Annotated

import typer

from zoo.cli.options import Columns, Errors, File, Json, Model, as_json, columns_of, records_of, start
from zoo.runtime.errors import UserError, single_line


def predict(
    model: Model,
    text: Annotated[list[str] | None, typer.Argument(help="Texts; for pairs, two at a time.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    json: Json = False,
) -> None:
    """Predict for raw texts: arguments, a file, or the lines of standard input."""
    if text and file:
        raise UserError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    names = columns_of(columns)
    pipeline = start().load(model)
    for record, answer in pipeline.stream(records_of(pipeline, text, file, names, errors)):
        inputs = {name: record[name] for name in pipeline.objective.fields.inputs}
        texts = " | ".join(map(single_line, inputs.values()))
        print(as_json(inputs | answer) if json else f"{pipeline.objective.format(answer)}  {texts}")
