"""zoo export: a SavedModel, the network for another runtime, or a folder for transformers."""

import re
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import Model, print_message, start


def export(
    model: Model,
    to: Annotated[Path | None, typer.Option(help="A new folder; default MODEL/1, 2 and so on.")] = None,
    format: Annotated[
        str, typer.Option(help="saved_model; onnx, openvino or litert, the network alone; or huggingface.")
    ] = "saved_model",
    precision: Annotated[str, typer.Option(help="Of the weights: float32; float16 or int8, smaller.")] = "float32",
    batching: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=NUMBER,...",
            help="Batching of a SavedModel: max_batch_size=64, timeout_micros=0, max_enqueued=128, threads=1; or off.",
        ),
    ] = None,
    beams: Annotated[
        int | None, typer.Option(help="Beams of a SavedModel that generates; default: those of the model.")
    ] = None,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Also write warm-up requests, and server files into MODEL/serving.")
    ] = False,
) -> None:
    """Export a SavedModel that takes raw strings, or a folder for another runtime or for transformers."""
    numbers = [int(path.name) for path in model.glob("[0-9]*") if re.fullmatch("[0-9]{1,18}", path.name)]
    to = to or model / (str(max(numbers, default=0) + 1) if format == "saved_model" else format)
    settings = {"batching": batching, "beams": beams, "deploy": deploy}
    print(start().load(model).export(to, format, precision, **settings))
    if format == "huggingface":
        return print_message(f'Load it with transformers.AutoModel.from_pretrained("{to}").')
    if format != "saved_model":
        return None
    if deploy:
        print_message(f"Deployment files: {to.parent / 'serving'}. Start a server there: docker compose up")
    print_message(f"Its signatures: saved_model_cli show --dir {to} --tag_set serve --all")
