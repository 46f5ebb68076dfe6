"""Shared code of the commands: options, start of the backend, standard input and output."""

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.runtime.console import silence
from zoo.runtime.cores import available_cores, limit_threads, wait_passively
from zoo.runtime.errors import UserError
from zoo.runtime.plugins import import_plugin

Json = Annotated[bool, typer.Option("--json", help="Print JSON Lines only.")]
Columns = Annotated[str, typer.Option(help="Names of your columns: text=sentence,label=y")]
Errors = Annotated[str, typer.Option(help="Broken UTF-8: strict, or replace.")]
Skip = Annotated[bool, typer.Option("--skip", help="Leave out, and count, rows that cannot be used.")]
Model = Annotated[Path, typer.Argument(help="A model folder, as zoo train writes.")]
Quantize = Annotated[str, typer.Option(help="Load the weights as int8 or bfloat16, to save memory.")]
Spec = Annotated[str, typer.Option(help="Data set: a path, hf:NAME, tfds:NAME or sample:NAME; #SPLIT selects a split.")]
File = Annotated[str, typer.Option(help="A file of texts, in any format of zoo list readers.")]

_imports: list[str] = []  # modules of --import


def _store_imports(modules: list[str] | None) -> None:
    _imports[:] = modules or []


Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        callback=_store_imports,
        expose_value=False,
        metavar="MODULE",
        help="A module or .py file that registers classes of your own. Repeatable.",
    ),
]


def with_imports(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option `--import MODULE` to a command."""

    @wraps(command)
    def run(*args, **options):
        options.pop("plugins", None)
        return command(*args, **options)

    signature = inspect.signature(command)
    parameter = inspect.Parameter("plugins", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Plugins)
    extended = signature.replace(parameters=[*signature.parameters.values(), parameter])
    setattr(run, "__signature__", extended)  # noqa: B010 (functions declare no such attribute)
    return run


def start() -> Any:
    """Start the Keras backend without its start-up messages, import the modules of --import, and return `zoo`.

    Raises UserError where the backend, or a module, cannot be imported.
    """
    limit_threads(os.environ, available_cores(), os.cpu_count() or 1)
    wait_passively(os.environ)
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_cache_folder() / "jax"))  # programs of earlier runs
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
    try:
        with silence():
            import keras

            keras.ops.zeros(())
    except (ImportError, ValueError) as error:
        name = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise UserError(f"Cannot start {name!r} ({error}). Set KERAS_BACKEND to jax, torch or tensorflow.") from error
    import zoo

    for module in _imports:
        import_plugin(module)
    return zoo


def _cache_folder():
    """The folder of the zoo in the user's folder of caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "zoo"


def has_imports() -> bool:
    """Whether the command has --import options; `start` imports these modules."""
    return bool(_imports)


def imported_modules() -> tuple[str, ...]:
    """The modules of the --import options."""
    return tuple(_imports)


def is_data(name: str) -> bool:
    """Whether a name is a dataset spec: the path of a file or a folder, or SCHEME:NAME."""
    return Path(name.partition("#")[0]).exists() or ":" in name


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 90s, 10m or 2h. Raises UserError for any other form."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or not float(match[1]):
        raise UserError(f"Expected a time such as 90s, 10m or 2h. Received: {text!r}.")
    return float(match[1]) * {"s": 1, "": 60, "m": 60, "h": 3600}[match[2]]


def print_message(message: str) -> None:
    """Print a message on standard error: standard output is for results."""
    print(message, file=sys.stderr)


def records_of(
    pipeline: Any, texts: Iterable[str] | None, file: str, columns: Mapping[str, str], errors: str
) -> Iterator[dict]:
    """Yield the records of a file, or a record for each text, or for each line of standard input."""
    if file:
        yield from pipeline.records_of(file, columns, errors)
        return
    if not texts and sys.stdin.isatty():
        print_message("Reading one text a line. Ctrl-D ends.")
    texts = (os.fsencode(text).decode("utf-8", "replace") for text in texts) if texts else read_lines()
    fields = pipeline.objective.fields
    while inputs := tuple(islice(texts, len(fields.inputs))):
        yield fields.record(inputs)


def read_lines(prompt: str = "") -> Iterator[str]:
    """Yield the lines of standard input; at a terminal, print the `prompt` before each line and again after Ctrl-C."""
    interactive = prompt and sys.stdin.isatty()
    while True:
        try:
            if interactive:
                print(prompt, end="", flush=True, file=sys.stderr)
            line = sys.stdin.buffer.readline()
        except KeyboardInterrupt:
            if not interactive:
                raise
            print_message("")
            continue
        if not line:
            return
        yield line.rstrip(b"\r\n").decode("utf-8", "replace")


def columns_of(text: str) -> dict[str, str]:
    """{standard field: column} of --columns. Raises UserError for any other form than FIELD=NAME,FIELD=NAME."""
    from zoo.data.columns import parse_columns

    return parse_columns(text)


def command_of(recipe: str, data: str, columns: Mapping[str, str]) -> str:
    """The command that trains a recipe on data with these columns."""
    from zoo.data.columns import columns_option

    return f"zoo train {recipe} --data {data}{f' {columns_option(columns)}' if columns else ''}"


def format_scores(scores: Mapping[str, Any]) -> str:
    """Scores as one line of text, "accuracy 0.9123  f1 0.9050"."""
    return "  ".join(f"{name} {x:.4f}" if isinstance(x, float) else f"{name} {x}" for name, x in scores.items())


def as_json(value: Any) -> str:
    """A value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    print(as_json(value))
