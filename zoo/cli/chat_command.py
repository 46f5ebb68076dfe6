"""zoo chat: a conversation, one turn a line."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from zoo.cli.options import Json, Model, Quantize, print_json, print_message, read_lines, start
from zoo.cli.sampling_options import with_sampling_options
from zoo.runtime.errors import user_message
from zoo.runtime.interrupts import defer_interrupt


@with_sampling_options
def chat(
    model: Model,
    sampling: dict[str, Any],
    system: Annotated[str, typer.Option(help="The system message, before the first turn.")] = "",
    quantize: Quantize = "",
    json: Json = False,
) -> None:
    """Chat with a model that follows instructions. Ctrl-C ends an answer, Ctrl-D the conversation."""
    conversation = start().load(model, quantize or "float32").chat(system, **sampling)
    for question in _questions():
        dropped = conversation.dropped_turns
        try:
            _answer(conversation, question, json)
        except ValueError as error:  # at a terminal, a shorter turn may follow
            if not sys.stdin.isatty() or not (line := user_message(error)):
                raise
            print_message(f"zoo: {line}")
        if conversation.dropped_turns > dropped:
            limit, total = conversation.max_prompt_tokens, conversation.dropped_turns
            print_message(f"(Prompts have at most {limit} tokens: the oldest turns, {total} so far, were dropped.)")


def _questions() -> Iterator[str]:
    """Yield the lines of standard input that are not blank."""
    if sys.stdin.isatty():
        print_message("One turn a line. Ctrl-C ends an answer, Ctrl-D the conversation.")
    for line in read_lines(prompt="> "):
        if line.strip():
            yield line.strip()


def _answer(conversation, question, json):
    with defer_interrupt() as interrupted:
        for piece in conversation.stream(question, interrupted):
            if not json:
                print(piece, end="", flush=True)
        if json:
            answer = {"instruction": question, "text": conversation.messages[-1]["content"]}
            print_json(answer | {"dropped_turns": conversation.dropped_turns})
        else:
            print(flush=True)
        if interrupted():
            print_message("(Ended by Ctrl-C; the answer so far was kept.)")
