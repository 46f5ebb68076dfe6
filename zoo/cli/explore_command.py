"""zoo explore: what a network does with some texts, as one HTML page."""

import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import Columns, Errors, File, Json, Model, as_json, columns_of, print_message, records_of, start
from zoo.cli.predict_command import said_truncation
from zoo.runtime.errors import UserError, single_line

if TYPE_CHECKING:
    from zoo.explore.explanation_page import Explanation
    from zoo.explore.views import TextExplanation

PAGE = "explore.html"  # in the model folder
TOKENS = 5  # tokens of a summary
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
    beams: Annotated[int, typer.Option(min=1, help="Of models that generate: beams of the tree; 1: none.")] = 4,
    neurons: Annotated[
        str,
        typer.Option(help="Show queries and keys of these layers of attention, the first is 0."),
    ] = "auto",
    mask: Annotated[
        str, typer.Option(help="Mask the tokens at these positions, the first is 0, one at a time.")
    ] = "auto",
    open_: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the page in a browser; default: at a terminal.")
    ] = None,
    json: Json = False,
) -> None:
    """Explore a model: attention, states, filters, why this answer, by depth, search in a corpus; one HTML page."""
    _check(text, file, {"layers": layers, "heads": heads, "tagger": tagger}, corpus)
    options: dict[str, Any] = {"max_new_tokens": max_new_tokens, "beams": beams}
    options |= {"corpus": corpus or None, "tagger": tagger}
    options |= {"layers": _numbers("layers", layers), "heads": _heads(heads)}
    options |= {
        name: _numbers(name, value) for name, value in (("neurons", neurons), ("mask", mask)) if value != "auto"
    }
    names, page = columns_of(columns), _checked_page(to) if to else model / PAGE
    zoo = start()
    pipeline, other = zoo.load(model), zoo.load(compare) if compare else None
    texts = [_inputs(pipeline, record) for record in records_of(pipeline, text, file, names, errors)]
    with said_truncation():
        explanation = pipeline.explain(texts, compare=other, **options)
    replaced = page.exists()
    explanation.save(page)
    for line in explanation_lines(explanation, page) if json else summary_lines(explanation):
        print(line)
    for note in explanation.notes:
        print_message(note)
    print_message(f"{'Replaced' if replaced else 'Saved in'} {page}.")
    if _opens(open_):
        webbrowser.open(page.resolve().as_uri())


def _check(text, file, of_corpus, corpus):
    if text and file:
        raise UserError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    for name, value in of_corpus.items():
        if value and not corpus:
            raise UserError(f"Expected --corpus beside --{name}. Received: --{name} {value} alone.")


def _numbers(option, text) -> tuple[int, ...]:
    """The numbers of 3,7, and none of "none". Raises UserError for any other form."""
    items = [item.strip() for item in text.split(",")] if text not in ("", "none") else []
    if not all(item.isdecimal() for item in items):
        raise UserError(f"Expected numbers such as 3,7 in --{option}. Received: {text!r}.")
    return tuple(map(int, items))


def _heads(text) -> tuple[tuple[int, int], ...]:
    """((3, 5), (3, 0)) of 3.5,3.0. Raises UserError for any other form."""
    pairs = [item.strip().split(".") for item in text.split(",")] if text else []
    if not all(len(pair) == 2 and all(part.isdecimal() for part in pair) for pair in pairs):
        raise UserError(f"Expected heads as LAYER.HEAD, such as 3.5,3.0, in --heads. Received: {text!r}.")
    return tuple((int(layer), int(head)) for layer, head in pairs)


def _checked_page(path):
    """The path of --to. Raises UserError for a folder, a file of another kind, and where there is no such folder."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"Expected a .html file in --to. Received: {path}. The nearest: {path.with_suffix('.html')}.")
    if path.is_dir() or not path.parent.is_dir():
        received = "a folder" if path.is_dir() else f"where {path.parent} is no folder"
        raise UserError(f"Expected a file in --to, in a folder that exists. Received: {path}, {received}.")
    return path


def _inputs(pipeline, record) -> str | tuple[str, ...]:
    """A text, or a tuple of texts, as `Pipeline.predict` takes it."""
    names = pipeline.objective.fields.inputs
    return tuple(record[name] for name in names) if len(names) > 1 else record[names[0]]


def explanation_lines(explanation: "Explanation", page: Path) -> Iterator[str]:
    """Yield a line of JSON for each text of each model."""
    for model in explanation.models:
        for text in model.texts:
            row = {"model": model.name} | _texts(text) | {"answer": text.answer}
            yield as_json(row | {"strongest_tokens": strongest_tokens(text), "page": str(page)})


def summary_lines(explanation: "Explanation") -> Iterator[str]:
    """Yield the answer to each text, and the tokens that contribute most to it."""
    for model in explanation.models:
        name = f"{model.name}: " if len(explanation.models) > 1 else ""
        for text in model.texts:
            yield f"{name}{single_line(text.answer)}  {' | '.join(map(single_line, _texts(text).values()))}"
            tokens = "  ".join(f"{token} {value:+.3g}" for token, value in strongest_tokens(text))
            if tokens:
                yield f"  strongest tokens: {tokens}"


def _texts(text):
    return {name: value for name, value in text.inputs.items() if isinstance(value, str) and value}


def strongest_tokens(text: "TextExplanation") -> list[tuple[str, float]]:
    """The tokens that contribute most to an answer, with their contributions to its outputs in all, the first first.

    By integrated gradients or, without these, by the last method; [] without any. A network on terms has the terms.
    """
    attribution, terms = text.attribution, text.terms
    if not attribution or not attribution.chosen:
        return []
    if terms:
        pairs = zip(terms.terms, terms.contribution[attribution.chosen].sum(0), strict=True)
    elif attribution.methods:
        methods = {method.name: method for method in attribution.methods}
        method = methods.get("integrated gradients", attribution.methods[-1])
        pairs = [
            (token.text.strip(), value)
            for name, values in method.values.items()
            for token, value in zip(text.sequences[name], values[attribution.chosen].sum(0), strict=True)
            if token.text.strip() and not token.special
        ]
    else:
        return []
    pairs = sorted(pairs, key=lambda pair: -abs(pair[1]))
    return [(token, float(value)) for token, value in pairs[:TOKENS]]


def _opens(requested):
    """Whether to open a browser: where a person and a display are."""
    display = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in DISPLAYS)
    if requested and not display:
        print_message("Open it in a browser: this machine has no display.")
    return display and (sys.stdout.isatty() if requested is None else requested)
