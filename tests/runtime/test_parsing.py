"""Parsing of text by type annotations."""

from typing import Literal

import pytest

from zoo.runtime.parsing import describe_type, parse


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("3", int, 3),
        ("-3", int, -3),
        ("3", float, 3.0),
        ("1e-3", float, 1e-3),
        ("True", bool, True),
        ("false", bool, False),
        ("3", str, "3"),
        ("none", str, "none"),
        ("none", str | None, None),
        ("max", str | None, "max"),
        ("none", int | None, None),
        ("7", int | None, 7),
        ("7", int | str, 7),
        ("x", int | str, "x"),
        ("", tuple[str, ...], ()),
        ("()", tuple[int, ...], ()),
        ("a", tuple[str, ...], ("a",)),
        ("3,4", tuple[int, ...], (3, 4)),
        ("(3, 4)", tuple[int, ...], (3, 4)),
        ("['a', 'b']", tuple[str, ...], ("a", "b")),
        ("0.5,1", tuple[float, ...], (0.5, 1.0)),
        ('{"a": 2}', dict, {"a": 2}),
        ('{"a": "b"}', dict[str, str], {"a": "b"}),
        ("pre", Literal["pre", "post"], "pre"),
        ("", Literal["", "post"], ""),
    ],
)
def test_a_text_becomes_a_value_of_the_annotated_type(text, annotation, value):
    parsed = parse(text, annotation)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "annotation", "words"),
    [
        ("3.5", int, "a whole number"),
        ("yes", bool, "true or false"),
        ("1", bool, "true or false"),
        ("many", float, "a number"),
        ("many", int | None, "a whole number or none"),
        ("3,b", tuple[int, ...], "values separated by commas, each a whole number,"),
        ("[1]", dict, "an object in JSON"),
        ("{", dict, "an object in JSON"),
        ("mid", Literal["pre", "post"], "pre or post"),
    ],
)
def test_other_texts_are_refused(text, annotation, words):
    with pytest.raises(ValueError):  # noqa: PT011 (the caller says what it is about)
        parse(text, annotation)
    assert describe_type(annotation) == words
