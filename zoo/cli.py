"""The command line: the same verbs as the Python functions. Results on standard output, messages on standard error."""

import json
import os
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from zoo import exits
from zoo.console import silence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up lines are not for people

app = typer.Typer(add_completion=False, help=__doc__)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line and nothing else.")]
Columns = Annotated[str, typer.Option(help="Where names differ: text=sentence,label=y")]
Errors = Annotated[str, typer.Option(help="strict, or replace: go on after broken UTF-8")]
Model = Annotated[Path, typer.Argument(help="A folder that zoo train wrote.")]
Spec = Annotated[str, typer.Option(help="tfds:NAME, sample:NAME or a path; #SPLIT picks a split.")]


@app.command("list")
def list_(kind: Annotated[str, typer.Argument(help="One kind only.")] = "", json: Json = False):
    """What the zoo holds: architectures, objectives (and which of those serve them), datasets, tokenizers, presets."""
    _zoo()
    from zoo import catalog

    found = {each: catalog.names(each) for each in ([kind] if kind else catalog.KINDS)}
    if json:
        return _print_json(found)
    for each, names in found.items():
        print(f"{each}:")
        for name in names:
            print(f"  {name:28}{catalog.describe(each, name)}")
            if each == "objectives":
                able = (f"{one} ({how})" if how else one for one, how in catalog.serving(name).items())
                print(f"  {'':28}by {', '.join(able)}")


@app.command()
def train(
    preset: Annotated[str, typer.Argument(help="A name of `zoo list presets`.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[PATH.TO.FIELD=VALUE]...")] = None,
    data: Spec = "",
    to: Annotated[Path | None, typer.Option(help="The model's folder; else saved_models/PRESET.")] = None,
    columns: Columns = "",
    errors: Errors = "",
    weights: Annotated[str, typer.Option("--from", help="A model folder or hf:OWNER/NAME to start from.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw an unfinished run away.")] = False,
):
    """Train a preset, on its own data or on yours."""
    names = _columns(columns)
    overrides = [*(overrides or []), *([f"data.errors={errors}"] if errors else [])]
    found = {"to": to, "data": data, "columns": names, "weights": weights}
    pipeline = _zoo().train(preset, **found, resume=resume, fresh=fresh, overrides=overrides)
    for split, scores in pipeline.scores.items():
        print(f"{split}: {_line(scores)}")
    folder = to or Path("saved_models") / preset
    _tell(f'Saved in {folder}. Try: zoo predict {folder} "some text"')


@app.command("import")
def import_(
    folder: Annotated[str, typer.Argument(help="A folder of Hugging Face transformers, or hf:OWNER/NAME.")],
    to: Annotated[Path | None, typer.Option(help="The model's folder; else saved_models/NAME.")] = None,
):
    """Make a model folder of published weights: to ask, to evaluate, to train further."""
    to = _zoo().import_model(folder, to)
    _tell(f'Saved in {to}. Try: zoo predict {to} "some text", or zoo train PRESET --from {to}')


@app.command()
def evaluate(
    model: Model,
    data: Spec = "",
    columns: Columns = "",
    errors: Errors = "strict",
    json: Json = False,
    picture: Annotated[Path | None, typer.Option(help="Draw the confusion matrix into this PNG.")] = None,
):
    """Score a trained model, on the test split of its own data or on yours."""
    _check_picture(picture)
    names = _columns(columns)
    pipeline = _zoo().load(model)
    scores, table, confusion = pipeline.inspect(data, "", names, errors)
    if picture:
        _draw(confusion, pipeline.objective, picture)
    if json:
        return _print_json(scores)
    for row in table:
        cells = (f"{value:<24}" if isinstance(value, str) else _line({name: value}) for name, value in row.items())
        print("  ".join(cells))
    print(_line(scores))


@app.command()
def predict(
    model: Model,
    text: Annotated[list[str] | None, typer.Argument(help="Texts; two at a time where pairs were learned.")] = None,
    file: Annotated[str, typer.Option(help="A file of texts, in any format that training reads.")] = "",
    columns: Columns = "",
    errors: Errors = "strict",
    json: Json = False,
):
    """Answer raw text: arguments, a file, or the lines of standard input."""
    if text and file:
        raise ValueError(f"Expected texts or --file, not both. Received: {len(text)} texts and --file {file}.")
    names = _columns(columns)
    pipeline = _zoo().load(model)
    for record, answer in pipeline.stream(_records(pipeline, text, file, names, errors)):
        asked = {name: record[name] for name in pipeline.objective.asks()}
        print(_json(asked | answer) if json else f"{pipeline.objective.read(answer)}  {_one_line(asked)}")


@app.command()
def generate(
    context: typer.Context,
    model: Model,
    prompt: Annotated[list[str] | None, typer.Argument(help="Texts to go on from, or source texts.")] = None,
    file: Annotated[str, typer.Option(help="A file of texts, in any format that training reads.")] = "",
    columns: Columns = "",
    errors: Errors = "strict",
    new_tokens: Annotated[int | None, typer.Option(help="Most tokens to write.")] = None,
    temperature: Annotated[float, typer.Option(help="Draw tokens; 0: always the likeliest.")] = 0.0,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many of the likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the fewest with this much probability.")] = None,
    min_p: Annotated[float | None, typer.Option(help="Draw from those with this share of the likeliest's.")] = None,
    typical: Annotated[float | None, typer.Option(help="Draw from the most typical with this much.")] = None,
    repetition_penalty: Annotated[float | None, typer.Option(help="Above 1: less of what was said.")] = None,
    no_repeat: Annotated[int | None, typer.Option(help="So many tokens in a row never come twice.")] = None,
    min_tokens: Annotated[int, typer.Option(help="Write at least so many.")] = 0,
    ban: Annotated[list[str] | None, typer.Option(help="A word never to write; may be given again.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End at this text; may be given again.")] = None,
    beams: Annotated[int, typer.Option(help="Search with so many candidates.")] = 1,
    best: Annotated[int, typer.Option(help="Show so many of the beams.")] = 1,
    length_penalty: Annotated[float, typer.Option(help="Of beams; above 0 prefers longer texts.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    truncate: Annotated[str, typer.Option(help="left: cut the beginning of what is too long.")] = "",
    stream: Annotated[bool, typer.Option("--stream", help="Show the text while it is written.")] = False,
    json: Json = False,
):
    """Write on from prompts, or write the target of a source: arguments, a file, or the lines of standard input."""
    others = ("model", "prompt", "file", "columns", "errors", "ban", "stop", "stream", "json")
    settings = {name: value for name, value in context.params.items() if name not in others and value is not None}
    if prompt and file:
        raise ValueError(f"Expected prompts or --file, not both. Received: {len(prompt)} prompts and --file {file}.")
    if stream and json:
        raise ValueError("Expected --stream or --json, not both.")
    names = _columns(columns)
    pipeline = _zoo().load(model)
    author = pipeline.author(stop=stop or (), banned=ban or (), **settings)
    with exits.patience() as ended:
        for records in _chunks(_records(pipeline, prompt, file, names, errors)):
            if stream:
                _stream(author, records, ended)
            else:
                _write(author, records, ended, json)
            if ended():  # what there is was shown
                raise KeyboardInterrupt


@app.command()
def export(
    model: Model,
    to: Annotated[Path | None, typer.Option(help="A new folder; else the next free number in MODEL.")] = None,
    format: Annotated[str, typer.Option(help="saved_model, or huggingface: for transformers.")] = "saved_model",
):
    """Write a SavedModel that takes raw strings, or a folder for Hugging Face transformers."""
    numbers = [int(path.name) for path in model.glob("[0-9]*") if path.name.isdigit()]
    to = to or model / ("huggingface" if format == "huggingface" else str(max(numbers, default=0) + 1))
    print(_zoo().load(model).export(to, format))
    if format == "huggingface":
        return _tell(f'Read it by transformers.AutoModel.from_pretrained("{to}").')
    _tell(f"Its signature: saved_model_cli show --dir {to} --tag_set serve --signature_def serving_default")


def main():
    """Run the command line."""
    exits.run(app)


def _zoo():
    """Import the zoo and wake the devices in silence: TensorFlow talks before it can be told not to."""
    try:
        with silence():
            import keras

            keras.ops.zeros(())
    except (ImportError, ValueError) as error:
        name = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise ValueError(f"Cannot start {name!r} ({error}). Set KERAS_BACKEND to jax, torch or tensorflow.") from error
    import zoo

    return zoo


def _tell(message):
    print(message, file=sys.stderr)


def _records(pipeline, texts, file, columns, errors):
    if file:
        yield from pipeline.questions(file, columns, errors)
        return
    texts = (text.decode("utf-8", "replace") for text in (map(os.fsencode, texts) if texts else _lines()))
    while asked := tuple(islice(texts, len(pipeline.objective.asks()))):
        yield pipeline.objective.record(asked)


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
            print(_json(asked | {"continuation": one.text} | score) if json else one.text)


def _lines():
    if sys.stdin.isatty():
        _tell("Reading one text a line; end with Ctrl-D.")
    return (line.rstrip(b"\r\n") for line in sys.stdin.buffer)


def _one_line(asked):
    return " | ".join(" ".join(text.split()) for text in asked.values())


def _check_picture(path):
    if path and path.suffix.lower() != ".png":
        raise ValueError(f"Expected --picture NAME.png. Received: {path}.")


def _draw(confusion, objective, path):
    from zoo.files import whole_file
    from zoo.pictures import draw_confusion

    if confusion is None:
        raise ValueError(
            "Expected a model that gives one label a text, for --picture. Received: one that gives several."
        )
    with whole_file(path) as file:
        draw_confusion(confusion, objective.labels, file)


def _columns(text):
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError(f"Expected --columns FIELD=NAME,FIELD=NAME, as in text=sentence,label=y. Received: {text!r}.")
    return {field.strip(): name.strip() for field, _, name in pairs}


def _line(scores):
    shown = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in scores.items()}
    return "  ".join(f"{name} {value}" for name, value in shown.items())


def _json(value):
    return json.dumps(value, ensure_ascii=False)


def _print_json(value):
    print(_json(value))


if __name__ == "__main__":
    main()
