"""Comments of dataclass fields, the meaning and unit of each setting, read from the source of the class."""

import ast
import inspect
import io
import textwrap
import tokenize
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class FieldComment:
    """A field of a dataclass, as its source writes it."""

    type: str  # the annotation
    meaning: str  # the comment beside the field; "" where it has none


@cache
def field_comments(cls: type) -> dict[str, FieldComment]:
    """{name: type and comment} of the fields of a dataclass, those of its base classes first.

    A class without source, such as one of an interactive session, has none.
    """
    comments: dict[str, FieldComment] = {}
    for base in reversed(cls.__mro__):
        try:
            source = textwrap.dedent(inspect.getsource(base))
        except (OSError, TypeError):
            continue
        for name, comment in _comments_of_source(source).items():
            inherited = comments[name].meaning if name in comments else ""
            comments[name] = replace(comment, meaning=comment.meaning or inherited)
    return comments


def default_of(field: Field) -> Any:
    """The default value of a field; `MISSING` where it must be set."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def with_field_comments(cls: type[T]) -> type[T]:
    """A class decorator: append the fields with their types, defaults and comments to the docstring, for `help`."""
    cls.__doc__ = _with_fields(cls, cls.__doc__)
    return cls


class FieldDocstring:
    """A class's docstring that ends with its fields; they are read from the source when it is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __get__(self, instance: object, owner: type) -> str:
        complete = "__match_args__" in vars(owner)  # which the decorator `dataclass` sets last
        return _with_fields(owner, self.text) if complete else self.text


class DocumentedFields:
    """A base class of dataclasses whose docstrings end with their fields, for `help`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if vars(cls).get("__doc__"):
            cls.__doc__ = FieldDocstring(cls.__doc__)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]


def _with_fields(cls, text):
    """A docstring with the fields of a dataclass, their types, defaults and comments."""
    comments = field_comments(cls)
    lines = [
        f"    {field.name} ({comments[field.name].type}{_default(field)}): {comments[field.name].meaning}"
        for field in fields(cls)
        if field.init and field.name in comments
    ]
    return "\n".join([inspect.cleandoc(text or ""), "", "Fields:", *lines]) if lines else inspect.cleandoc(text or "")


def _default(field):
    value = default_of(field)
    return "" if value is MISSING else f", default {value!r}"


def _comments_of_source(source):
    (definition,) = ast.parse(source).body
    if not isinstance(definition, ast.ClassDef):
        return {}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    by_line = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    nodes = [node for node in definition.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {node.target.id: _comment(node, by_line) for node in nodes if isinstance(node.target, ast.Name)}


def _comment(node, by_line):
    lines = range(node.lineno, node.end_lineno + 1)
    return FieldComment(ast.unparse(node.annotation), " ".join(by_line[line] for line in lines if line in by_line))
