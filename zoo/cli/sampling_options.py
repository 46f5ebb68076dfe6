"""The options of text generation that `zoo generate` and `zoo chat` share."""

import inspect
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any

import typer

from zoo.runtime.errors import UserError


def _options(
    max_new_tokens: Annotated[int | None, typer.Option(help="Maximum number of new tokens.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of sampling; 0, the default, is greedy decoding.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Sample from the k likeliest; or candidates to contrast.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Nucleus sampling: total probability, 0 to 1.")] = None,
    min_p: Annotated[float | None, typer.Option(help="Minimum probability, as a fraction of the highest.")] = None,
    typical_p: Annotated[float | None, typer.Option(help="Typical sampling: total probability, 0 to 1.")] = None,
    contrastive_alpha: Annotated[
        float | None, typer.Option(help="Contrastive search with --top-k: weight of the similarity, say 0.6.")
    ] = None,
    repetition_penalty: Annotated[float | None, typer.Option(help="Above 1: seen tokens are less likely.")] = None,
    no_repeat_ngram: Annotated[int | None, typer.Option(help="Size of n-grams that may not repeat.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of sampling; 0 by default.")] = None,
) -> None:
    """Only the signature is used."""


def with_sampling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that adds the shared options to a command.

    The command receives them as `sampling`, {name: value} of the options that were set.
    """
    shared = inspect.signature(_options).parameters
    parameters = [item for name, item in inspect.signature(command).parameters.items() if name != "sampling"]

    @wraps(command)
    def run(**arguments: Any) -> Any:
        names = list(arguments)
        sampling = {name: arguments.pop(name) for name in shared}
        set_options = {name: value for name, value in sampling.items() if value is not None}
        try:
            return command(**arguments, sampling=set_options)
        except UserError as error:
            raise UserError(with_option_names(str(error), names)) from error

    run.__signature__ = inspect.Signature([*parameters, *shared.values()])  # type: ignore[attr-defined]
    return run


def with_option_names(message: str, parameters: Iterable[str]) -> str:
    """A message with options, `--max-new-tokens 5`, in place of Python's parameters, `max_new_tokens=5`."""
    for name in parameters:
        option = f"--{name.replace('_', '-')}"
        message = re.sub(rf"(?<![\w-]){name}='?([\w.-]+)'?", rf"{option} \1", message)
        if "_" in name:  # other names may be words of the sentence
            message = re.sub(rf"(?<![\w-]){name}(?!\w)", option, message)
    return message
