"""Conversion of input texts to valid Unicode: bytes are decoded as UTF-8, broken parts become U+FFFD."""

import re
from collections.abc import Iterable, Iterator

from zoo.runtime.errors import UserError

_SURROGATE = re.compile("[\ud800-\udfff]")


def as_text(text: str | bytes) -> str:
    """Valid Unicode text of the same meaning.

    Bytes are decoded as UTF-8. Each broken part, and each lone surrogate of a `str`, becomes one U+FFFD, so offsets
    into a `str` stay valid. NUL is a character like any other. Raises `UserError` for anything but `str` and `bytes`.
    """
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise UserError(f"A text must be str or bytes. Received: text={text!r} of type {type(text).__name__}")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def as_texts(texts: Iterable[str | bytes]) -> Iterator[str]:
    """An iterator of valid texts. Raises `UserError` for a single text in place of a list of texts."""
    if isinstance(texts, str | bytes):
        raise UserError(f"Expected a list of texts, not one text. Received: texts={texts[:40]!r}.")
    return map(as_text, texts)
