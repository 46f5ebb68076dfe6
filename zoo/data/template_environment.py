"""Jinja as chat templates of transformers need it, in a sandbox with limits on steps, time and the length of texts.

The environment is that of `apply_chat_template` of transformers: `trim_blocks`, `lstrip_blocks`, the tags break,
continue and generation, `raise_exception`, `strftime_now`, and a `tojson` that keeps characters and the order of keys.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, cast

import jinja2
import jinja2.ext
import jinja2.nodes as nodes
import jinja2.sandbox

from zoo.data.template_limits import BUDGET, Budget, check_format, check_length, check_method, check_size


def render_template(template: jinja2.Template, values: dict[str, Any]) -> str:
    """Render a template of `environment` within a new budget."""
    token = BUDGET.set(Budget())
    try:
        return template.render(values)
    finally:
        BUDGET.reset(token)


class GenerationTag(jinja2.ext.Extension):
    """The tag `generation`, which marks answers of the assistant: their text is written as it is."""

    tags = {"generation"}  # noqa: RUF012 - the name that Jinja reads

    def parse(self, parser: Any) -> nodes.Node:
        """The statements up to `endgeneration`, with variables of their own."""
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(["name:endgeneration"], drop_needle=True), lineno=line)


class LimitedEnvironment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which each loop turn, call and filter is a step and no text grows beyond `CHARACTERS`."""

    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The syntax tree, with counted loops and joined texts of checked lengths."""
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        for parent in [tree, *tree.find_all(nodes.Node)]:
            for field, value in parent.iter_fields():
                setattr(parent, field, [_checked(x) for x in value] if isinstance(value, list) else _checked(value))
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operation, refused where its result could be too long."""
        sizes = [len(value) for value in (left, right) if isinstance(value, str | list | tuple)]
        numbers = [abs(value) for value in (left, right) if isinstance(value, int)]
        if operator == "*" and sizes and numbers:
            check_length(sizes[0] * numbers[0])
        elif operator == "**" and len(numbers) == 2:
            check_length(numbers[0].bit_length() * numbers[1])
        elif operator == "*" and len(numbers) == 2:
            check_length(sum(number.bit_length() for number in numbers))
        elif operator == "%" and isinstance(left, str):
            check_format(left)
            check_size(right)
        else:
            check_length(sum(sizes))
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`str.format` and `format_map` in the sandbox, refused for a format string with wide fields."""
        text, formatted = getattr(value, "__self__", None), super().wrap_str_format(value)
        if formatted is None or not isinstance(text, str):
            return formatted

        def checked(*args: Any, **kwargs: Any) -> str:
            check_format(text)
            return formatted(*args, **kwargs)

        return checked

    def call(self, context: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        """A call, which is a step; methods of strings are refused where their result could be too long."""
        BUDGET.get().take()
        check_size(args)
        check_size(kwargs)
        text = getattr(function, "__self__", None)
        if isinstance(text, str):
            check_method(text, getattr(function, "__name__", ""), args, kwargs)
        result = super().call(context, function, *args, **kwargs)
        if isinstance(result, range):
            BUDGET.get().take(len(result))
        return result


def environment() -> LimitedEnvironment:
    """The environment of chat templates."""
    extensions = [GenerationTag, jinja2.ext.loopcontrols]
    made = LimitedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=extensions, finalize=check_size)
    made.filters["tojson"] = _to_json
    made.filters = {name: _limited(name, function) for name, function in made.filters.items()}
    made.filters |= {"counted": _counted, "joined_texts": _joined}
    made.globals |= {"raise_exception": _raise, "strftime_now": lambda form: datetime.now().strftime(form)}
    made.concat = cast(Any, _concatenate)
    return made


def _checked(node):
    """The node; for `a ~ b` one that checks the length of the result."""
    if isinstance(node, nodes.Concat):
        items = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(items, "joined_texts", [], [], None, None, lineno=node.lineno)
    return node


def _counted(items: Iterable) -> Iterator:
    """The items of a loop, each of which is a step."""
    for item in items:
        BUDGET.get().take()
        yield item


def _concatenate(parts: Iterable[str]) -> str:
    """The text of its parts, which are checked as they come."""
    texts, length = [], 0
    for part in parts:
        length += len(part)
        check_length(length)
        texts.append(part)
    return "".join(texts)


def _joined(values: list) -> str:
    return _concatenate(map(str, check_size(values)))


def _limited(name: str, function: Callable) -> Callable:
    """A filter as one that spends steps for the length of its value, and refuses large numbers and long texts."""

    def limited(*args: Any, **kwargs: Any) -> Any:
        start = bool(getattr(function, "jinja_pass_arg", None))
        value, *others = args[start:] or [None]
        size = len(value) if isinstance(value, str | list | tuple | dict) else 0
        check_size(args[start:])
        BUDGET.get().take(1 + (size // 1000 if isinstance(value, str) else size))
        for number in (*others, *kwargs.values()):
            check_length(number * 100 if isinstance(number, int) else 0)
        if isinstance(value, str):
            check_method(value, name, others, kwargs)
        elif name == "join" and others:
            check_length(size * len(str(others[0])))
        return function(*args, **kwargs)

    for attribute in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(function, attribute):
            setattr(limited, attribute, getattr(function, attribute))
    return limited


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
