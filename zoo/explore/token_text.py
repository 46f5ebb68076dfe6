"""The readable text of token ids, as the views show it."""

from collections.abc import Iterable

from zoo.explore.views import Token
from zoo.text.tokenizer import Tokenizer


def tokens_of(tokenizer: Tokenizer, ids: Iterable[int]) -> list[Token]:
    r"""The tokens of a sequence of ids: special tokens by their name; bytes that are no whole character as \xc3."""
    first, later = tokenizer.token_bytes
    return [_token(tokenizer, int(id), (later if position else first)) for position, id in enumerate(ids)]


def later_texts(tokenizer: Tokenizer, ids: Iterable[int]) -> list[str]:
    """The readable text of each of some ids, as that of a token after the first of a sequence."""
    return [_token(tokenizer, int(id), tokenizer.token_bytes[1]).text for id in ids]


def _token(tokenizer, id, token_bytes):
    name = tokenizer.token(id) or f"[{id}]"
    text = token_bytes[id].decode("utf-8", "backslashreplace") if id < len(token_bytes) else ""
    return Token(text or name, special=not text)
