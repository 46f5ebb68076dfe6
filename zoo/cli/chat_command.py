"""zoo chat: a conversation, a turn a line."""

import sys
from typing import Annotated

import typer

from zoo.cli.options import (
    Contrast,
    Json,
    MinP,
    Model,
    NewTokens,
    NoRepeat,
    RepetitionPenalty,
    Seed,
    Temperature,
    TopK,
    TopP,
    Typical,
    lines,
    print_json,
    settings_of,
    start,
    tell,
)
from zoo.runtime.errors import user_message
from zoo.runtime.interrupts import defer_interrupt


def chat(
    context: typer.Context,
    model: Model,
    system: Annotated[str, typer.Option(help="What the model is told before the first turn.")] = "",
    max_new_tokens: NewTokens = None,
    temperature: Temperature = 0.0,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    typical_p: Typical = None,
    contrastive_alpha: Contrast = None,
    repetition_penalty: RepetitionPenalty = None,
    no_repeat_ngram: NoRepeat = None,
    seed: Seed = 0,
    json: Json = False,
):
    """Talk with a model that follows instructions. Ctrl-C ends an answer, Ctrl-D the conversation."""
    talk = start().load(model).chat(system, **settings_of(context, "model", "system", "json"))
    for asked in _asked():
        before = talk.forgotten
        try:
            _answer(talk, asked, json)
        except ValueError as error:  # a conversation goes on after a turn that is too long; a pipe does not
            if not sys.stdin.isatty() or not (line := user_message(error)):
                raise
            tell(f"zoo: {line}")
        if talk.forgotten > before:
            tell(f"(The model reads at most {talk.room} tokens: the oldest {talk.forgotten} turns are forgotten.)")


def _asked():
    """Yield what a person says: the lines of standard input that are not blank."""
    if sys.stdin.isatty():
        tell("One turn a line. Ctrl-C ends an answer, Ctrl-D the conversation.")
    for line in lines(prompt="> "):
        if line.strip():
            yield line.strip()


def _answer(talk, asked, json):
    with defer_interrupt() as ended:
        for piece in talk.stream(asked, ended):
            if not json:
                print(piece, end="", flush=True)
        if json:
            print_json({"instruction": asked, "text": talk.messages[-1]["content"], "forgotten": talk.forgotten})
        else:
            print(flush=True)
        if ended():
            tell("(Ended by Ctrl-C; what there is was kept.)")
