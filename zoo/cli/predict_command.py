"""zoo predict: predictions for raw texts."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import (
    Columns,
    Errors,
    File,
    Json,
    Model,
    as_json,
    columns_of,
    has_imports,
    imported_modules,
    print_message,
    records_of,
    start,
)
from zoo.runtime.errors import UserError, single_line
from zoo.runtime.interrupts import defer_interrupt
from zoo.text.truncated import counted_truncation

CTRL_C = "Ctrl-C: the rows at hand are finished first. Ctrl-C again ends at once."


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
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes for --output; default: one a core where it pays.")
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Predict an exported model for --file, .jsonl or .parquet, on a Ray cluster.")
    ] = False,
    address: Annotated[str, typer.Option(help="With --ray: a running cluster, such as auto; default a new one.")] = "",
    json: Json = False,
) -> None:
    """Predict for raw texts: arguments, a file, or the lines of standard input."""
    _check(text, file, output, json, force, processes)
    names = columns_of(columns)
    if ray or address:
        _check_ray(file, output, ray, errors)
        return _write_on_ray(model, file, output, columns=names, overwrite=force, processes=processes, cluster=address)
    pipeline = start().load(_model_folder(model))
    if output:
        if file:
            rows, run = pipeline.rows_of(file, names, errors), {"file": file, "columns": names, "errors": errors}
        else:
            rows, run = ((record, record) for record in records_of(pipeline, text, file, names, errors)), None
        return _write(pipeline, rows, output, run, force, processes)
    from zoo.data.columns import beside

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


def _check(text, file, output, json, force, processes):
    if text and file:
        raise UserError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    if json and output:
        raise UserError(f"Expected --json or --output, not both. Received: --json and --output {output}.")
    if force and not output:
        raise UserError("Expected --output beside --force. Received: --force alone.")
    if processes and not (file and output):
        raise UserError(f"Expected --file and --output beside --processes. Received: --processes {processes}.")


def _model_folder(model):
    """A model folder as it is; of a folder that has only numbered exports the latest."""
    if (model / "preset.json").exists() or not any(model.glob("[0-9]*/saved_model.pb")):
        return model
    from zoo.serving.versions.model_source import latest_version

    return latest_version(model)


def _check_ray(file, output, ray, errors):
    if not (ray and file and output):
        raise UserError("Expected --ray, --file and --output together. Received: one without another.")
    if errors != "strict" or has_imports():
        raise UserError("Expected neither --errors nor --import beside --ray: an exported model needs none.")


def _write_on_ray(model, file, output, **options):
    from zoo.serving.ray.ray_predict import RayPredictOptions, predict_on_ray

    with defer_interrupt(lambda: print_message(CTRL_C)) as interrupted:
        predict_on_ray(model, file, output, RayPredictOptions(should_stop=interrupted, **options))
    print_message(f"Saved in {output}.")


def _write(pipeline, rows, output, run, force, processes):
    from zoo.pipeline.batch_inference import PredictionOptions, predict_file
    from zoo.pipeline.prediction_file import check_output

    check_output(output, pipeline.objective, force)
    with defer_interrupt(lambda: print_message(CTRL_C)) as interrupted:
        options = PredictionOptions(run, force, processes, imported_modules(), interrupted)
        count = predict_file(pipeline, rows, output, options)
    for message in count.messages():
        print_message(message)
    print_message(f"Saved in {output}.")
