"""Encoding by the tokenizers library, whose panics become errors of one line, and of chats with their control tokens."""

import re
from collections.abc import Iterable

import tokenizers

from zoo.runtime.errors import UserError
from zoo.text.tokenizer_files import is_library_error


def encode_with(backend: tokenizers.Tokenizer, texts: list[str]) -> list[tokenizers.Encoding]:
    """The encodings of texts, without special ids. Raises `UserError` where the tokenizer fails on one of them."""
    try:
        return backend.encode_batch(texts, add_special_tokens=False)
    except BaseException as error:
        if not is_library_error(error):
            raise
        reason = (str(error) or repr(error)).splitlines()[0]
        raise UserError(f"The tokenizer fails on a text ({reason:.200}). Received: {_failing(backend, texts)!r:.80}.") from None


def _failing(backend, texts):
    """The first text on which the tokenizer fails."""
    for text in texts:
        try:
            backend.encode(text, add_special_tokens=False)
        except BaseException as error:
            if not is_library_error(error):
                raise
            return text
    return texts[0]


class ControlTokens:
    """Encodes chats: control tokens that a template writes become ids, those that a user writes stay text.

    Args:
        backend: the tokenizer.
        tokens: its special tokens.
    """

    MARK = "\ue000"  # of Unicode's private use: splits a control token in a user's text

    def __init__(self, backend: tokenizers.Tokenizer, tokens: Iterable[str]):
        longest_first = sorted(filter(None, tokens), key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        self.backend = tokenizers.Tokenizer.from_str(backend.to_str())
        self.backend.encode_special_tokens = False

    def guard(self, text: str) -> str:
        """A user's text whose control tokens `ids` reads as text."""
        plain = text.replace(self.MARK, "")
        return self.pattern.sub(lambda match: match[0][0] + self.MARK + match[0][1:], plain)

    def ids(self, text: str) -> list[int]:
        """The ids of a rendered chat; control tokens that `guard` marked are text."""
        parts = [part for part in text.split(self.MARK) if part]
        return [id for encoding in encode_with(self.backend, parts) for id in encoding.ids]
