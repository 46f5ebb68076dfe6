"""Token bytes: the bytes that each id adds to a decoded text, at the text's beginning and after other tokens."""

import re
import unicodedata
from collections.abc import Collection, Sequence

import tokenizers
from tokenizers import decoders

from zoo.text.splitting import bytes_to_unicode

BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")  # a byte in SentencePiece's vocabularies


def bytes_of_tokens(backend: tokenizers.Tokenizer, markers: Collection[int] = ()) -> tuple[list[bytes], list[bytes]]:
    """`(first, later)`: for each id the bytes that it adds to a decoded text; b"" for special tokens and `markers`.

    `first` holds for the first token of a text, `later` for all other tokens.
    """
    vocabulary = backend.get_vocab(with_added_tokens=True)
    special = {id for id, token in backend.get_added_tokens_decoder().items() if token.special or id in markers}
    ids = sorted(set(vocabulary.values()) - special)
    tokens = {id: token for token, id in vocabulary.items()}
    compute = _from_vocabulary if isinstance(backend.decoder, decoders.ByteLevel) else _from_decoder
    first, later = compute(backend, {id: tokens[id] for id in ids})
    size = 1 + max(tokens, default=-1)
    return [first.get(id, b"") for id in range(size)], [later.get(id, b"") for id in range(size)]


def separators_of(token_bytes: Sequence[bytes]) -> tuple[int, ...] | None:
    """The ids of characters that separate words: all but letters, their marks and digits (Unicode categories).

    None where a token is longer than a character.
    """
    characters = [token.decode(errors="ignore") for token in token_bytes]  # "" for a byte within a character
    if any(len(character) > 1 for character in characters):
        return None
    return tuple(i for i, c in enumerate(characters) if c and unicodedata.category(c)[0] not in "LMN")


def _from_vocabulary(backend, tokens):
    """The bytes of byte-level tokens: each character of a token stands for a byte."""
    byte = {character: number for number, character in enumerate(bytes_to_unicode())}
    table = {
        id: bytes(byte[character] for character in token) if set(token) <= set(byte) else token.encode()
        for id, token in tokens.items()
    }
    return table, table


def _from_decoder(backend, tokens):
    """The bytes of other tokens: each id is decoded by itself, and after the id of a token that is complete text."""
    ids = list(tokens)
    first = backend.decode_batch([[id] for id in ids])
    anchor = next((id for id, text in zip(ids, first, strict=True) if text and "\ufffd" not in text), ids[0])
    prefix = backend.decode([anchor])
    later = [text.removeprefix(prefix) for text in backend.decode_batch([[anchor, id] for id in ids])]
    matches = {id: BYTE_TOKEN.fullmatch(tokens[id]) for id in ids if isinstance(backend.decoder, decoders.Sequence)}
    byte_tokens = {id: bytes([int(match[1], 16)]) for id, match in matches.items() if match}
    tables = [{id: text.encode() for id, text in zip(ids, texts, strict=True)} for texts in (first, later)]
    return tuple(table | byte_tokens for table in tables)
