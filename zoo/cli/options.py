"""What the verbs of the command line share: their options, how they start, what they print."""

import json
import os
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from zoo.runtime.console import silence
from zoo.runtime.errors import UserError

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line and nothing else.")]
Columns = Annotated[str, typer.Option(help="Where names differ: text=sentence,label=y")]
Errors = Annotated[str, typer.Option(help="strict, or replace: go on after broken UTF-8")]
Model = Annotated[Path, typer.Argument(help="A folder that zoo train wrote.")]
Precision = Annotated[str, typer.Option(help="Of dense weights: float32, bfloat16 or int8, for less memory.")]
Spec = Annotated[str, typer.Option(help="tfds:NAME, sample:NAME or a path; #SPLIT picks a split.")]
NewTokens = Annotated[int | None, typer.Option(help="Most tokens to write.")]
Temperature = Annotated[float, typer.Option(help="Draw tokens; 0: always the likeliest.")]
TopK = Annotated[int | None, typer.Option(help="Draw from so many of the likeliest; or contrast them.")]
TopP = Annotated[float | None, typer.Option(help="Draw from the fewest with this much probability.")]
MinP = Annotated[float | None, typer.Option(help="Draw from those with this share of the likeliest's.")]
Typical = Annotated[float | None, typer.Option(help="Draw from the most typical with this much.")]
Contrast = Annotated[float | None, typer.Option(help="Of top-k: less like the text before; 0 to 1, say 0.6.")]
RepetitionPenalty = Annotated[float | None, typer.Option(help="Above 1: less of what was said.")]
NoRepeat = Annotated[int | None, typer.Option(help="So many tokens in a row never come twice.")]
Seed = Annotated[int, typer.Option(help="Of what is drawn.")]
File = Annotated[str, typer.Option(help="A file of texts, in any format that training reads.")]


def start():
    """Import the zoo and wake the devices in silence: TensorFlow talks before it can be told not to."""
    try:
        with silence():
            import keras

            keras.ops.zeros(())
    except (ImportError, ValueError) as error:
        name = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise UserError(f"Cannot start {name!r} ({error}). Set KERAS_BACKEND to jax, torch or tensorflow.") from error
    import zoo

    return zoo


def tell(message):
    """Say something to people, on standard error."""
    print(message, file=sys.stderr)


def records_of(pipeline, texts, file, columns, errors):
    """Yield what is asked: the records of a file, or one for each of the texts or of the lines of standard input."""
    if file:
        yield from pipeline.questions(file, columns, errors)
        return
    if not texts and sys.stdin.isatty():
        tell("Reading one text a line; end with Ctrl-D.")
    texts = (os.fsencode(text).decode("utf-8", "replace") for text in texts) if texts else lines()
    while asked := tuple(islice(texts, len(pipeline.objective.asks()))):
        yield pipeline.objective.record(asked)


def lines(prompt=""):
    """Yield the lines of standard input; a person at a terminal sees the `prompt` before each, anew after Ctrl-C."""
    asked = prompt and sys.stdin.isatty()
    while True:
        try:
            if asked:
                print(prompt, end="", flush=True, file=sys.stderr)
            line = sys.stdin.buffer.readline()
        except KeyboardInterrupt:
            if not asked:
                raise
            tell("")
            continue
        if not line:
            return
        yield line.rstrip(b"\r\n").decode("utf-8", "replace")


def settings_of(context, *others):
    """The options of a command that were given, but for the `others`: settings of `zoo.generation.TextGenerator`."""
    return {name: value for name, value in context.params.items() if name not in others and value is not None}


def columns_of(text):
    """{field: name} of --columns. Raises UserError for what is not FIELD=NAME,FIELD=NAME."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    if any(not separator for _, separator, _ in pairs):
        raise UserError(f"Expected --columns FIELD=NAME,FIELD=NAME, as in text=sentence,label=y. Received: {text!r}.")
    return {field.strip(): name.strip() for field, _, name in pairs}


def line(scores):
    """Scores as one line for people."""
    shown = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in scores.items()}
    return "  ".join(f"{name} {value}" for name, value in shown.items())


def as_json(value):
    """A value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False)


def print_json(value):
    """Print a value as one line of JSON."""
    print(as_json(value))
