"""zoo predict: predictions for raw texts."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Columns, Errors, File, Json, Model, as_json, columns_of, print_message, records_of, start
from zoo.runtime.errors import UserError, single_line
from zoo.text.truncated import counted_truncation


def predict(
    model: Model,
    text: Annotated[list[str] | None, typer.Argument(help="Texts; for pairs, two at a time.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    output: Annotated[
        Path | None, typer.Option(help="A new file, .csv, .jsonl or .parquet: all columns and the answers.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --output.")] = False,
    json: Json = False,
) -> None:
    """Predict for raw texts: arguments, a file, or the lines of standard input."""
    _check(text, file, output, json, force)
    names = columns_of(columns)
    pipeline = start().load(model)
    if output:
        return _write(pipeline, text, file, names, errors, output, force)
    from zoo.objectives import beside

    objective = pipeline.objective
    with said_truncation():
        for record, answer in pipeline.stream(records_of(pipeline, text, file, names, errors)):
            inputs = {name: record[name] for name in objective.fields.inputs if name in record}
            if json:
                print(as_json(beside(inputs, objective.answer_fields(answer))))
            else:
                texts = " | ".join(map(single_line, inputs.values()))
                print(f"{objective.format(answer)}  {texts}")


@contextmanager
def said_truncation():
    """Print a line at the end of the block where texts were cut."""
    with counted_truncation() as count:
        yield
    for message in count.messages():
        print_message(message)


def _check(text, file, output, json, force):
    if text and file:
        raise UserError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    if json and output:
        raise UserError(f"Expected --json or --output, not both. Received: --json and --output {output}.")
    if force and not output:
        raise UserError("Expected --output beside --force. Received: --force alone.")


def _write(pipeline, text, file, names, errors, output, force):
    from zoo.pipeline.prediction_file import check_output, write_predictions

    check_output(output, pipeline.objective, force)
    if file:
        pairs = pipeline.rows_of(file, names, errors)
    else:
        pairs = ((record, record) for record in records_of(pipeline, text, file, names, errors))
    with said_truncation():
        write_predictions(pipeline.answer_rows(pairs), output, pipeline.objective)
    print_message(f"Saved in {output}.")
