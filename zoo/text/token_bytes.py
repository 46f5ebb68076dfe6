"""What each token adds to a text: its bytes, at the text's beginning and after other tokens."""

import re

from tokenizers import decoders

from zoo.text.splitting import byte_spelling

BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # how SentencePiece spells a byte


def spellings(rust):
    """`(first, later)`: for each id the bytes that it adds to what `decode` makes of ids; b"" for special tokens."""
    vocabulary = rust.get_vocab(with_added_tokens=True)
    special = {id for id, token in rust.get_added_tokens_decoder().items() if token.special}
    ids = sorted(set(vocabulary.values()) - special)
    tokens = {id: token for token, id in vocabulary.items()}
    known = _by_bytes if isinstance(rust.decoder, decoders.ByteLevel) else _by_decoding
    found = known(rust, {id: tokens[id] for id in ids})
    size = 1 + max(tokens, default=-1)
    return tuple([part.get(id, b"") for id in range(size)] for part in found)


def _by_bytes(rust, tokens):
    byte = {character: number for number, character in enumerate(byte_spelling())}
    found = {
        id: bytes(byte[character] for character in token) if set(token) <= set(byte) else token.encode()
        for id, token in tokens.items()
    }
    return found, found


def _by_decoding(rust, tokens):
    ids = list(tokens)
    alone = rust.decode_batch([[id] for id in ids])
    anchor = next((id for id, text in zip(ids, alone, strict=True) if text and "\ufffd" not in text), ids[0])
    before = rust.decode([anchor])
    after = [text.removeprefix(before) for text in rust.decode_batch([[anchor, id] for id in ids])]
    whole = {id: bytes([int(found[1], 16)]) for id in ids if (found := BYTE.fullmatch(tokens[id]))}
    whole = whole if isinstance(rust.decoder, decoders.Sequence) else {}
    return tuple({id: text.encode() for id, text in zip(ids, texts, strict=True)} | whole for texts in (alone, after))
