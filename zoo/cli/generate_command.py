"""zoo generate: continuations of prompts, or targets of an encoder-decoder's sources."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import Columns, Errors, File, Json, Model, Quantize, as_json, columns_of, records_of, start
from zoo.cli.sampling_options import with_sampling_options
from zoo.runtime.errors import UserError
from zoo.runtime.interrupts import defer_interrupt

CHUNK = 256  # prompts in memory at a time
Texts = list[str] | None


@with_sampling_options
def generate(
    context: typer.Context,
    model: Model,
    sampling: dict[str, Any],
    prompt: Annotated[Texts, typer.Argument(help="Prompts to continue, or source texts.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    min_tokens: Annotated[int | None, typer.Option(help="Minimum number of new tokens.")] = None,
    bad_word: Annotated[Texts, typer.Option(help="A word that is never generated; may be repeated.")] = None,
    stop: Annotated[Texts, typer.Option(help="Stop at this text; may be repeated.")] = None,
    beams: Annotated[int | None, typer.Option(help="Beams of a beam search; 1, the default, is none.")] = None,
    return_sequences: Annotated[int | None, typer.Option(help="Return the N best beams.")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="Of beams; above 0 prefers longer texts.")] = None,
    truncation_side: Annotated[
        str, typer.Option(help="left: cut long prompts, and slide the context over long texts.")
    ] = "",
    choice: Annotated[Texts, typer.Option(help="The text is one of the choices; repeat it for each.")] = None,
    regex: Annotated[str, typer.Option(help="A regular expression that matches the whole text.")] = "",
    json_schema: Annotated[Path | None, typer.Option(help="A file with a JSON schema of the text.")] = None,
    draft: Annotated[Path | None, typer.Option(help="Draft model for speculative decoding (same tokenizer).")] = None,
    output: Annotated[Path | None, typer.Option(help="A new file of JSON lines; a cut-off run is continued.")] = None,
    logprobs: Annotated[bool, typer.Option("--logprobs", help="In JSON, the log-probability of each token.")] = False,
    quantize: Quantize = "",
    stream: Annotated[bool, typer.Option("--stream", help="Show each text while it is generated.")] = False,
    json: Json = False,
) -> None:
    """Generate text from prompts: arguments, a file, or the lines of standard input."""
    _check(prompt, file, stream, json, output, logprobs)
    names = columns_of(columns)
    schema = json_schema.read_text(encoding="utf-8") if json_schema else None
    pipeline = start().load(model, quantize or "float32")
    generator = pipeline.generator(
        min_tokens=min_tokens,
        bad_words=bad_word or (),
        stop=stop or (),
        beams=beams,
        return_sequences=return_sequences,
        length_penalty=length_penalty,
        truncation_side=truncation_side,
        choices=choice or (),
        regex=regex,
        json_schema=schema,
        draft=start().load(draft) if draft else None,
        **sampling,
    )
    records = records_of(pipeline, prompt, file, names, errors)
    with defer_interrupt() as interrupted:
        if output:
            description = _run_description(context.params, model, schema)
            return _write_file(generator, list(records), output, description, interrupted, logprobs)
        while chunk := list(islice(records, CHUNK)):
            if stream:
                _stream(generator, chunk, interrupted)
            else:
                _print(generator, chunk, interrupted, json, logprobs)
            if interrupted():  # the texts so far have been printed
                raise KeyboardInterrupt


def _check(prompt, file, stream, json, output, logprobs):
    if prompt and file:
        raise UserError(f"Expected prompts or --file, not both. Received: {len(prompt)} prompts and --file {file}.")
    if stream and (json or output):
        raise UserError(f"Expected --stream or --{'json' if json else 'output'}, not both.")
    if logprobs and not (json or output):
        raise UserError("Expected --json or --output beside --logprobs.")


def _run_description(options, model, schema):
    """What must be the same where a run of --output is continued: options, model and JSON schema."""
    description = {name: value for name, value in options.items() if name not in ("output", "draft")}
    description |= {"model": str(model.resolve()), "json_schema": schema}
    return description | {"changed": (model / "model.keras").stat().st_mtime_ns}


def _write_file(generator, records, output, description, interrupted, logprobs):
    from zoo.generation.resumable import generate_file

    def lines(record, completions):
        return [as_json(_fields(generator, record, completion, logprobs)) for completion in completions]

    generate_file(generator, records, output, as_json(description), lines, interrupted)


def _stream(generator, records, interrupted):
    for record in records:
        for piece in generator.stream(record, interrupted):
            print(piece, end="", flush=True)
        print()
        if interrupted():
            return


def _print(generator, records, interrupted, json, logprobs):
    for record, completions in zip(records, generator.generate(records, interrupted), strict=True):
        for completion in completions:
            print(as_json(_fields(generator, record, completion, logprobs)) if json else completion.text)


def _fields(generator, record, completion, logprobs):
    """The JSON fields of a `Completion`."""
    fields = {name: record[name] for name in generator.objective.fields.inputs}
    fields |= {"continuation": completion.text, "logprob": sum(completion.logprobs)}
    fields |= {"tokens": len(completion.ids), "finish_reason": completion.finish_reason}
    if logprobs:
        tokens = (generator.tokenizer.decode([id], skip_special=False) for id in completion.ids)
        fields["logprobs"] = [list(pair) for pair in zip(tokens, completion.logprobs, strict=True)]
    return fields
