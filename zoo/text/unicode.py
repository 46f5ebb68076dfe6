"""What counts as text: anything a person or a socket may send becomes valid Unicode, never an exception."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def as_text(text):
    """Return valid Unicode text of the same meaning.

    Bytes are read as UTF-8; each broken part, and each lone surrogate of a `str`, becomes one U+FFFD, so offsets into
    a `str` stay true. NUL is a character like any other. Raises `ValueError` for anything but `str` and `bytes`.
    """
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise ValueError(f"A text must be str or bytes. Received: text={text!r} of type {type(text).__name__}")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def as_texts(texts):
    """Return an iterator of valid texts. Raises `ValueError` where one text stands in place of a list of texts."""
    if isinstance(texts, str | bytes):
        raise ValueError(f"Expected a list of texts, not one text. Received: texts={texts[:40]!r}.")
    return map(as_text, texts)
