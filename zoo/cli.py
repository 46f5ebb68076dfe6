"""The command line: the same verbs as the Python functions. Results on standard output, messages on standard error."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up lines are not for people

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line and nothing else.")]
Columns = Annotated[str, typer.Option(help="Where names differ: text=sentence,label=y")]
Errors = Annotated[str, typer.Option(help="strict, or replace: go on after broken UTF-8")]
Model = Annotated[Path, typer.Argument(help="A folder that zoo train wrote.")]
Spec = Annotated[str, typer.Option(help="tfds:NAME, sample:NAME or a path; #SPLIT picks a split.")]


@app.command("list")
def list_(kind: Annotated[str, typer.Argument(help="One kind only.")] = "", json: Json = False):
    """What the zoo holds: architectures, objectives, datasets, tokenizers, presets."""
    _zoo()
    from zoo import catalog

    found = {each: catalog.names(each) for each in ([kind] if kind else catalog.KINDS)}
    if json:
        return _print_json(found)
    for each, names in found.items():
        print(f"{each}:")
        for name in names:
            print(f"  {name:28}{catalog.describe(each, name)}")


@app.command()
def train(
    preset: Annotated[str, typer.Argument(help="A name of `zoo list presets`.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[PATH.TO.FIELD=VALUE]...")] = None,
    data: Spec = "",
    to: Annotated[Path | None, typer.Option(help="The model's folder; else saved_models/PRESET.")] = None,
    columns: Columns = "",
    errors: Errors = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw an unfinished run away.")] = False,
):
    """Train a preset, on its own data or on yours."""
    zoo = _zoo()
    overrides = [*(overrides or []), *([f"data.errors={errors}"] if errors else [])]
    pipeline = zoo.train(
        preset, to=to, data=data, columns=_columns(columns), resume=resume, fresh=fresh, overrides=overrides
    )
    for split, scores in pipeline.scores.items():
        print(f"{split}: {_line(scores)}")
    folder = to or Path("saved_models") / preset
    _tell(f'Saved in {folder}. Try: zoo predict {folder} "some text"')


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
    from zoo.pictures import draw_confusion

    zoo = _zoo()
    pipeline = zoo.load(model)
    scores, table, confusion = pipeline.inspect(data, "", _columns(columns), errors)
    if picture and confusion is not None:
        draw_confusion(confusion, pipeline.objective.labels, picture)
    if json:
        return _print_json(scores)
    for row in table:
        print("  ".join(f"{value:<24}" if isinstance(value, str) else _line({name: value}) for name, value in row.items()))
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
    zoo = _zoo()
    pipeline = zoo.load(model)
    for record, answer in pipeline.stream(_records(pipeline, text, file, _columns(columns), errors)):
        asked = {name: record[name] for name in pipeline.objective.asks()}
        print(_json(asked | answer) if json else f"{pipeline.objective.read(answer)}  {' | '.join(asked.values())}")


@app.command()
def export(
    model: Model,
    to: Annotated[Path | None, typer.Option(help="A new folder; else the next free number in MODEL.")] = None,
):
    """Write a SavedModel that takes raw strings."""
    zoo = _zoo()
    to = to or model / str(max([int(path.name) for path in model.glob("[0-9]*") if path.name.isdigit()], default=0) + 1)
    print(zoo.load(model).export(to))
    _tell(f"Its signature: saved_model_cli show --dir {to} --tag_set serve --signature_def serving_default")


def main():
    """Run the command line. Exit status: 0 done, 2 the user's mistake (one line), 1 ours, 130 Ctrl-C."""
    try:
        app()
    except BrokenPipeError:  # `zoo predict ... | head`
        os._exit(0)
    except (ValueError, OSError) as error:
        sys.exit(_fail(error))
    except KeyboardInterrupt:
        _tell("Ended by Ctrl-C. A training run goes on with --resume.")
        sys.exit(130)


def _zoo():
    """Import the zoo and wake the devices with standard error closed: TensorFlow talks there before it can be told not to."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras

        import zoo

        keras.distribution.list_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return zoo


def _fail(error):
    """Print one line for a mistake of the user. A ValueError from outside the zoo is ours: it keeps its traceback."""
    if isinstance(error, ValueError) and not _raised_here(error):
        raise error
    _tell(f"zoo: {' '.join(str(error).split())}")
    return 2


def _raised_here(error):
    frames = list(traceback.walk_tb(error.__traceback__))
    return frames[-1][0].f_globals["__name__"].startswith("zoo")


def _tell(message):
    print(message, file=sys.stderr)


def _records(pipeline, texts, file, columns, errors):
    if file:
        return pipeline.questions(file, columns, errors)
    if not texts:
        texts = [line.rstrip("\n") for line in sys.stdin]
    size = len(pipeline.objective.asks())
    return [pipeline.objective.record(tuple(texts[i : i + size])) for i in range(0, len(texts), size)]


def _columns(text):
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError(f"Expected --columns field=name,field=name. Received: {text!r}.")
    return {field.strip(): name.strip() for field, _, name in pairs}


def _line(scores):
    return "  ".join(f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}" for name, value in scores.items())


def _json(value):
    return json.dumps(value, ensure_ascii=False)


def _print_json(value):
    print(_json(value))


if __name__ == "__main__":
    main()
