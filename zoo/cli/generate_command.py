"""zoo generate: texts that go on from prompts, or targets of sources."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import (
    Columns,
    Contrast,
    Errors,
    File,
    Json,
    MinP,
    Model,
    NewTokens,
    NoRepeat,
    Precision,
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
from zoo.runtime.errors import UserError
from zoo.runtime.interrupts import defer_interrupt

CHUNK = 256  # prompts that are held at a time
OTHERS = (  # options that are no settings
    *("model", "prompt", "file", "columns", "errors", "ban", "stop", "choice", "schema", "draft"),
    *("output", "scores", "stream", "json", "precision"),
)


def generate(
    context: typer.Context,
    model: Model,
    prompt: Annotated[list[str] | None, typer.Argument(help="Texts to go on from, or source texts.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    max_new_tokens: NewTokens = None,
    temperature: Temperature = 0.0,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    typical_p: Typical = None,
    contrastive_alpha: Contrast = None,
    repetition_penalty: RepetitionPenalty = None,
    no_repeat_ngram: NoRepeat = None,
    min_tokens: Annotated[int, typer.Option(help="Write at least so many.")] = 0,
    ban: Annotated[list[str] | None, typer.Option(help="A word never to write; may be given again.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End at this text; may be given again.")] = None,
    beams: Annotated[int, typer.Option(help="Search with so many candidates.")] = 1,
    best: Annotated[int, typer.Option(help="Show so many of the beams.")] = 1,
    length_penalty: Annotated[float, typer.Option(help="Of beams; above 0 prefers longer texts.")] = 1.0,
    seed: Seed = 0,
    truncation_side: Annotated[str, typer.Option(help="left: cut the beginning of what is too long.")] = "",
    choice: Annotated[list[str] | None, typer.Option(help="One of these texts is written; give each.")] = None,
    pattern: Annotated[str, typer.Option(help="A regular expression that the text matches as a whole.")] = "",
    schema: Annotated[Path | None, typer.Option(help="A file with a JSON schema that holds for the text.")] = None,
    draft: Annotated[Path | None, typer.Option(help="A smaller model of the same tokenizer, to be quicker.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write JSON lines there; again goes on after a stop.")] = None,
    scores: Annotated[bool, typer.Option("--scores", help="In JSON, log-probabilities of the tokens too.")] = False,
    precision: Precision = "float32",
    stream: Annotated[bool, typer.Option("--stream", help="Show the text while it is written.")] = False,
    json: Json = False,
):
    """Write on from prompts, or write the target of a source: arguments, a file, or the lines of standard input."""
    _check(prompt, file, stream, json, output, scores)
    names = columns_of(columns)
    lists = {"stop": stop or (), "bad_words": ban or (), "choices": choice or (), "schema": _read(schema)}
    pipeline = start().load(model, precision)
    draft = draft and start().load(draft)
    author = pipeline.author(draft, **lists, **settings_of(context, *OTHERS))
    records = records_of(pipeline, prompt, file, names, errors)
    with defer_interrupt() as ended:
        if output:
            about = {name: value for name, value in context.params.items() if name not in ("output", "draft")}
            about |= {"model": str(model.resolve()), "schema": lists["schema"]}
            about["changed"] = (model / "model.keras").stat().st_mtime_ns
            return _write_file(author, list(records), output, about, ended, scores)
        while some := list(islice(records, CHUNK)):
            if stream:
                _stream(author, some, ended)
            else:
                _write(author, some, ended, json, scores)
            if ended():  # what there is was shown
                raise KeyboardInterrupt


def _check(prompt, file, stream, json, output, scores):
    if prompt and file:
        raise UserError(f"Expected prompts or --file, not both. Received: {len(prompt)} prompts and --file {file}.")
    if stream and (json or output):
        raise UserError(f"Expected --stream or --{'json' if json else 'output'}, not both.")
    if scores and not (json or output):
        raise UserError("Expected --json or --output beside --scores.")


def _read(schema):
    return schema and schema.read_text(encoding="utf-8")


def _write_file(author, records, output, about, ended, scores):
    from zoo.generation.resumable import write_file

    def lines(record, texts):
        return [as_json(_found(author, record, one, scores)) for one in texts]

    write_file(author, records, output, as_json(about), lines, ended)


def _stream(author, records, ended):
    for record in records:
        for piece in author.pieces(record, ended):
            print(piece, end="", flush=True)
        print()
        if ended():
            return


def _write(author, records, ended, json, scores):
    for record, texts in zip(records, author.write(records, ended), strict=True):
        for one in texts:
            print(as_json(_found(author, record, one, scores)) if json else one.text)


def _found(author, record, one, scores):
    """What JSON tells of a `Completion`."""
    asked = {name: record[name] for name in author.objective.asks()}
    score = {"log_probability": sum(one.logprobs), "tokens": len(one.ids), "stopped": one.stopped}
    found = asked | {"continuation": one.text} | score
    if scores:
        pieces = (author.tokenizer.decode([id], skip_special=False) for id in one.ids)
        found["scores"] = [list(pair) for pair in zip(pieces, one.logprobs, strict=True)]
    return found
