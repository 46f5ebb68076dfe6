"""zoo explore: what a network does with some texts, as one HTML page."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import Columns, Errors, File, Json, Model, columns_of, print_json, print_message, records_of, start
from zoo.cli.predict_command import said_truncation
from zoo.runtime.errors import UserError, single_line
from zoo.runtime.files import write_text

PAGE = "explore.html"  # in the model folder
STRONGEST = 5  # tokens of a summary
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")  # variables of the environment, where a Unix has a display


def explore(
    model: Model,
    text: Annotated[list[str] | None, typer.Argument(help="Texts; for pairs, two at a time.")] = None,
    file: File = "",
    columns: Columns = "",
    errors: Errors = "strict",
    to: Annotated[Path | None, typer.Option(help="The page, a .html file; default: explore.html in MODEL.")] = None,
    compare: Annotated[Path | None, typer.Option(help="A second model folder, shown beside the first.")] = None,
    corpus: Annotated[
        str, typer.Option(help="A data set to search for similar tokens: a path, hf:NAME or sample:NAME.")
    ] = "",
    layers: Annotated[
        str, typer.Option(help="With --corpus: search by the outputs of these layers, 0 the embedding: 3,7")
    ] = "",
    heads: Annotated[
        str, typer.Option(help="With --corpus: search by the outputs of these heads, LAYER.HEAD: 3.5,3.0")
    ] = "",
    tagger: Annotated[
        Path | None, typer.Option(help="With --corpus: the folder of a model whose tags its tokens get.")
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Of models that generate: new tokens of each text.")] = 16,
    neurons: Annotated[
        str, typer.Option(help="Queries and keys of these layers of attention, the first is 0; default: short texts.")
    ] = "",
    mask: Annotated[
        str, typer.Option(help="Tokens that are masked, one at a time: positions such as 1,4, auto or none.")
    ] = "auto",
    open_: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the page in a browser; default: at a terminal.")
    ] = None,
    json: Json = False,
) -> None:
    """Explore a model: attention, states, filters, why this answer, by depth, search in a corpus; one HTML page."""
    _check(text, file, corpus, layers, heads, tagger)
    options: dict[str, Any] = {
        "layers": _numbers("layers", layers),
        "heads": _heads(heads),
        "tagger": tagger,
        "neurons": _numbers("neurons", neurons) or None,
        "mask": mask if mask == "auto" else () if mask == "none" else _numbers("mask", mask),
        "max_new_tokens": max_new_tokens,
    }
    names, page = columns_of(columns), _page_path(to or model / PAGE)
    zoo = start()
    pipeline = zoo.load(model)
    from zoo.explore.explanation import explain
    from zoo.explore.explanation_page import to_html

    texts = [_inputs(pipeline, record) for record in records_of(pipeline, text, file, names, errors)]
    if not texts:
        raise UserError("Expected a text to explore. Received: none.")
    other = zoo.load(compare) if compare else None
    with said_truncation():
        explanation = explain(pipeline, texts, compare=other, corpus=corpus or None, **options)
    replaced = page.exists()
    write_text(page, to_html(explanation))
    _print(explanation, page, json)
    print_message(f"{'Replaced' if replaced else 'Saved in'} {page}.")
    if _opens(open_):
        webbrowser.open(page.resolve().as_uri())


def _check(text, file, corpus, layers, heads, tagger):
    if text and file:
        raise UserError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    for name, value in {"layers": layers, "heads": heads, "tagger": tagger}.items():
        if value and not corpus:
            raise UserError(f"Expected --corpus beside --{name}. Received: --{name} {value} alone.")


def _numbers(option, text) -> tuple[int, ...]:
    """The numbers of 3,7. Raises UserError for any other form."""
    items = [item.strip() for item in text.split(",")] if text else []
    if not all(item.isdecimal() for item in items):
        raise UserError(f"Expected numbers such as 3,7 in --{option}. Received: {text!r}.")
    return tuple(map(int, items))


def _heads(text) -> tuple[tuple[int, int], ...]:
    """((3, 5), (3, 0)) of 3.5,3.0. Raises UserError for any other form."""
    pairs = [item.strip().split(".") for item in text.split(",")] if text else []
    if not all(len(pair) == 2 and all(part.isdecimal() for part in pair) for pair in pairs):
        raise UserError(f"Expected heads as LAYER.HEAD, such as 3.5,3.0, in --heads. Received: {text!r}.")
    return tuple((int(layer), int(head)) for layer, head in pairs)


def _page_path(path):
    """The path of the page. Raises UserError for a folder, and for a file of another kind."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"Expected a .html file in --to. Received: {path}. The nearest: {path.with_suffix('.html')}.")
    if path.is_dir():
        raise UserError(f"Expected a file in --to. Received: {path}, a folder.")
    return path


def _inputs(pipeline, record):
    """A text, or a tuple of texts, as `Pipeline.predict` takes it."""
    inputs = tuple(record[name] for name in pipeline.objective.fields.inputs)
    return inputs if len(inputs) > 1 else inputs[0]


def _print(explanation, page, json):
    """Print the answer to each text, and the tokens that contribute most to it."""
    several = len(explanation.models) > 1
    for model in explanation.models:
        for text in model.texts:
            inputs = {name: value for name, value in text.inputs.items() if isinstance(value, str)}
            tokens = strongest_tokens(text)
            if json:
                named = {"model": model.name} if several else {}
                row = named | inputs | {"answer": text.answer, "strongest_tokens": tokens, "page": str(page)}
                print_json(row)
                continue
            print(f"{f'{model.name}: ' if several else ''}{single_line(text.answer)}  {' | '.join(map(single_line, inputs.values()))}")
            if tokens:
                print("  strongest tokens: " + "  ".join(f"{token} {value:+.3g}" for token, value in tokens))
    if not json:
        for note in explanation.notes:
            print_message(note)


def strongest_tokens(text: Any) -> list[tuple[str, float]]:
    """The tokens of a `TextExplanation` that contribute most to its answer, with their contributions, the first first.

    By the last method of `text.attribution`, the sum of the outputs that the answer consists of; [] without any.
    """
    attribution = text.attribution
    if not attribution or not attribution.methods or not attribution.chosen:
        return []
    values = [
        (token.text.strip(), float(value))
        for sequence, array in attribution.methods[0].values.items()
        for token, value in zip(text.sequences[sequence], array[attribution.chosen].sum(0), strict=True)
        if token.text.strip() and not token.special
    ]
    return sorted(values, key=lambda pair: -abs(pair[1]))[:STRONGEST]


def _opens(wanted):
    """Whether to open a browser: where a person and a display are."""
    display = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in DISPLAYS)
    if wanted and not display:
        print_message("Open it in a browser: this machine has no display.")
    return display and (sys.stdout.isatty() if wanted is None else wanted)
