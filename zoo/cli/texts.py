"""Verbs that answer texts: predict, generate."""

from itertools import islice
from typing import Annotated

import typer

from zoo import exits
from zoo.cli.options import (
    Columns,
    Errors,
    File,
    Json,
    MinP,
    Model,
    NewTokens,
    NoRepeat,
    RepetitionPenalty,
    Seed,
    Temperature,
    TopK,
    TopP,
    Typical,
    as_json,
    columns_of,
    records_of,
    settings_of,
    start,
)


def predict(
    model: Model,
    text: Annotated[list[str] | None, typer.Argument(help="Texts; two at a time where pairs were learned.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    json: Json = False,
):
    """Answer raw text: arguments, a file, or the lines of standard input."""
    if text and file:
        raise ValueError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    names = columns_of(columns)
    pipeline = start().load(model)
    for record, answer in pipeline.stream(records_of(pipeline, text, file, names, errors)):
        asked = {name: record[name] for name in pipeline.objective.asks()}
        print(as_json(asked | answer) if json else f"{pipeline.objective.read(answer)}  {_one_line(asked)}")


def generate(
    context: typer.Context,
    model: Model,
    prompt: Annotated[list[str] | None, typer.Argument(help="Texts to go on from, or source texts.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    new_tokens: NewTokens = None,
    temperature: Temperature = 0.0,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    typical: Typical = None,
    repetition_penalty: RepetitionPenalty = None,
    no_repeat: NoRepeat = None,
    min_tokens: Annotated[int, typer.Option(help="Write at least so many.")] = 0,
    ban: Annotated[list[str] | None, typer.Option(help="A word never to write; may be given again.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End at this text; may be given again.")] = None,
    beams: Annotated[int, typer.Option(help="Search with so many candidates.")] = 1,
    best: Annotated[int, typer.Option(help="Show so many of the beams.")] = 1,
    length_penalty: Annotated[float, typer.Option(help="Of beams; above 0 prefers longer texts.")] = 1.0,
    seed: Seed = 0,
    truncate: Annotated[str, typer.Option(help="left: cut the beginning of what is too long.")] = "",
    stream: Annotated[bool, typer.Option("--stream", help="Show the text while it is written.")] = False,
    json: Json = False,
):
    """Write on from prompts, or write the target of a source: arguments, a file, or the lines of standard input."""
    others = ("model", "prompt", "file", "columns", "errors", "ban", "stop", "stream", "json")
    settings = settings_of(context, *others)
    if prompt and file:
        raise ValueError(f"Expected prompts or --file, not both. Received: {len(prompt)} prompts and --file {file}.")
    if stream and json:
        raise ValueError("Expected --stream or --json, not both.")
    names = columns_of(columns)
    pipeline = start().load(model)
    author = pipeline.author(stop=stop or (), banned=ban or (), **settings)
    with exits.patience() as ended:
        for records in _chunks(records_of(pipeline, prompt, file, names, errors)):
            if stream:
                _stream(author, records, ended)
            else:
                _write(author, records, ended, json)
            if ended():  # what there is was shown
                raise KeyboardInterrupt


def _chunks(records, size=256):
    while some := list(islice(records, size)):
        yield some


def _stream(author, records, ended):
    for record in records:
        for piece in author.pieces(record, ended):
            print(piece, end="", flush=True)
        print()
        if ended():
            return


def _write(author, records, ended, json):
    for record, texts in zip(records, author.write(records, ended), strict=True):
        for one in texts:
            score = {"log_probability": sum(one.log_probabilities), "tokens": len(one.ids), "stopped": one.stopped}
            asked = {name: record[name] for name in author.objective.asks()}
            print(as_json(asked | {"continuation": one.text} | score) if json else one.text)


def _one_line(asked):
    return " | ".join(" ".join(text.split()) for text in asked.values())
