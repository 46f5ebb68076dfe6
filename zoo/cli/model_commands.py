"""Verbs that make models: list, train, import, average, evaluate, export."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Columns, Errors, Json, Model, Precision, Spec, columns_of, line, print_json, start, tell
from zoo.runtime.errors import UserError


def list_(kind: Annotated[str, typer.Argument(help="One kind only.")] = "", json: Json = False):
    """What the zoo holds: architectures, objectives (and which of those serve them), datasets, tokenizers, presets."""
    start()
    from zoo import catalog

    found = {each: catalog.names(each) for each in ([kind] if kind else catalog.KINDS)}
    if json:
        return print_json(found)
    width = 2 + max(len(name) for names in found.values() for name in names)
    for each, names in found.items():
        print(f"{each}:")
        for name in names:
            print(f"  {name:{width}}{catalog.describe(each, name)}")
            if each == "objectives":
                able = (f"{one} ({how})" if how else one for one, how in catalog.compatible_architectures(name).items())
                print(f"  {'':{width}}by {', '.join(able)}")


def train(
    preset: Annotated[str, typer.Argument(help="A name of `zoo list presets`.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[PATH.TO.FIELD=VALUE]...")] = None,
    data: Spec = "",
    to: Annotated[Path | None, typer.Option(help="The model's folder; else saved_models/PRESET.")] = None,
    columns: Columns = "",
    errors: Errors = "",
    init: Annotated[
        str, typer.Option("--from", help="Warm start: a model folder, hf:OWNER/NAME or keras:PRESET.")
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Continue an unfinished run.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Discard an unfinished run.")] = False,
):
    """Train a preset, on its own data or on yours."""
    names = columns_of(columns)
    overrides = [*(overrides or []), *([f"data.errors={errors}"] if errors else [])]
    options = {"to": to, "data": data, "columns": names, "init": init, "resume": resume, "restart": restart}
    pipeline = start().train(preset, **options, overrides=overrides)
    _tell_scores(pipeline, to or Path("saved_models") / preset)


def _tell_scores(pipeline, folder):
    for split, scores in pipeline.scores.items():
        print(f"{split}: {line(scores)}")
    tell(f'Saved in {folder}. Try: zoo predict {folder} "some text"')


def import_(
    folder: Annotated[str, typer.Argument(help="A folder of transformers or KerasHub, hf:OWNER/NAME or keras:PRESET.")],
    to: Annotated[Path | None, typer.Option(help="The model's folder; else saved_models/NAME.")] = None,
    adapter: Annotated[Path | None, typer.Option(help="An adapter.safetensors that was learned upon it.")] = None,
):
    """Make a model folder of published weights, perhaps with an adapter: to ask, to evaluate, to train further."""
    to = start().import_model(folder, to, adapter)
    tell(f'Saved in {to}. Try: zoo predict {to} "some text", or zoo train PRESET --from {to}')


def average(
    models: Annotated[list[Path], typer.Argument(help="Folders of models fine-tuned from the same weights.")],
    to: Annotated[Path, typer.Option(help="The new model's folder.")],
):
    """Make a model of the mean weights of several, fine-tuned with other seeds or settings: often better than each."""
    _tell_scores(start().average(models, to), to)


def evaluate(
    model: Model,
    data: Spec = "",
    columns: Columns = "",
    errors: Errors = "strict",
    precision: Precision = "float32",
    json: Json = False,
    picture: Annotated[Path | None, typer.Option(help="Draw the confusion matrix into this PNG.")] = None,
):
    """Score a trained model, on the test split of its own data or on yours."""
    _check_picture(picture)
    names = columns_of(columns)
    pipeline = start().load(model, precision)
    scores, table, confusion = pipeline.inspect(data, "", names, errors)
    if picture:
        _draw(confusion, pipeline.objective, picture)
    if json:
        return print_json(scores)
    for row in table:
        cells = (f"{value:<24}" if isinstance(value, str) else line({name: value}) for name, value in row.items())
        print("  ".join(cells))
    print(line(scores))


def export(
    model: Model,
    to: Annotated[Path | None, typer.Option(help="A new folder; else the next free number in MODEL.")] = None,
    format: Annotated[str, typer.Option(help="saved_model, or huggingface: for transformers.")] = "saved_model",
):
    """Write a SavedModel that takes raw strings, or a folder for Hugging Face transformers."""
    numbers = [int(path.name) for path in model.glob("[0-9]*") if path.name.isdigit()]
    to = to or model / ("huggingface" if format == "huggingface" else str(max(numbers, default=0) + 1))
    print(start().load(model).export(to, format))
    if format == "huggingface":
        return tell(f'Read it by transformers.AutoModel.from_pretrained("{to}").')
    tell(f"Its signature: saved_model_cli show --dir {to} --tag_set serve --signature_def serving_default")


def _check_picture(path):
    if path and path.suffix.lower() != ".png":
        raise UserError(f"Expected --picture NAME.png. Received: {path}.")


def _draw(confusion, objective, path):
    from zoo.runtime.files import atomic_file
    from zoo.training.plots import plot_confusion

    if confusion is None:
        raise UserError(
            "Expected a model that gives one label a text, for --picture. Received: one that gives several."
        )
    with atomic_file(path) as file:
        plot_confusion(confusion, objective.labels, file)
