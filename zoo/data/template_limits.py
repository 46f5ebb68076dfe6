"""Limits of chat templates: steps and time of a rendering, and the length of every text that one makes."""

import re
import time
from contextvars import ContextVar
from typing import Any

import jinja2

STEPS = 200_000  # loop turns and calls of one rendering
SECONDS = 20.0  # of one rendering
CHARACTERS = 10_000_000  # of a text, also of one that is only made on the way
BUDGET: ContextVar["Budget"] = ContextVar("budget")
_WIDE = re.compile(r"\d{6,}|%[^a-zA-Z]*\*|\{[^}]*:[^}]*\{")  # a wide field of a format string, or one by an argument
_PADDING = ("center", "expandtabs", "ljust", "rjust", "zfill")  # methods of strings that take a width


class Budget:
    """Steps and time that are left to a rendering."""

    def __init__(self) -> None:
        self.steps, self.end = STEPS, time.monotonic() + SECONDS

    def take(self, steps: int = 1) -> None:
        """Spend steps. Raises `jinja2.TemplateError` where none are left, or no time."""
        self.steps -= steps
        if self.steps < 0 or time.monotonic() > self.end:
            raise jinja2.TemplateError(f"it takes more than {STEPS:,} steps or {SECONDS:.0f} seconds")


def check_length(length: int) -> None:
    """Raise `jinja2.TemplateError` for a text of too many characters."""
    if length > CHARACTERS:
        raise jinja2.TemplateError(f"it makes a text of more than {CHARACTERS:,} characters")


def check_size(value: Any) -> Any:
    """The value, a list or an object perhaps. Raises `jinja2.TemplateError` where it is too long as text."""
    size, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        size += len(item) if isinstance(item, str) else 1
        check_length(size)
        if isinstance(item, list | tuple | dict):
            check_length(size + len(item))
            waiting += [*item, *item.values()] if isinstance(item, dict) else item
    return value


def check_method(text, name, args, kwargs):
    """Check the length of what a method of a string, or the filter of that name, makes."""
    if name in _PADDING:
        check_length(max((value for value in (*args, *kwargs.values()) if isinstance(value, int)), default=0))
    elif name == "replace" and len(args) > 1:
        old, new = str(args[0]), str(args[1])
        count = text.count(old)
        check_length(len(text) + count * len(new))
    elif name == "join" and args and isinstance(args[0], list | tuple):
        check_length(sum(len(str(item)) + len(text) for item in args[0]))
    elif name == "format":
        check_format(text)


def check_format(text):
    if _WIDE.search(text):
        raise jinja2.TemplateError("it formats fields of more than five digits, or of a width that is an argument")
