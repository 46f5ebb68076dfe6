"""Masks in texts: which blanks a mask token takes along, and how a guess is token_text in the place of a mask."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import decoders

from zoo.text.tokenizer import Tokenizer

MASK, ALIAS = "[MASK]", "<mask>"  # stand in a text for a token to predict
BLANKS = r"[\s\x{85}\pZ]"  # what the library strips beside a token, as RE2 writes it
REPLACEMENT = "\ufffd"  # in the text of a token that is a part of a character
_BLANKS = re.compile(r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$")


def with_marks(text: str) -> str:
    """A text with [MASK] for each mask."""
    return text.replace(ALIAS, MASK)


def takes_blank(tokenizer: Tokenizer) -> bool:
    """Whether the mask token takes the blank before it along, as RoBERTa's does, whose words begin with it.

    Byte pairs that zoo trained are masked so too: in training a mask stands for a word with its blank.
    """
    token = tokenizer.backend.get_added_tokens_decoder().get(-1 if tokenizer.mask is None else tokenizer.mask)
    if tokenizer.settings or (token and token.lstrip):
        return bool(token and token.lstrip)
    byte_level = isinstance(tokenizer.backend.decoder, decoders.ByteLevel)
    return byte_level and any(len(text) > 1 and text.startswith(b" ") for text in tokenizer.token_bytes[1])


def parts_to_encode(text: str, tokenizer: Tokenizer) -> list[str]:
    """The parts of a text between its masks, without the blanks that masks take along."""
    *before, last = text.split(MASK)
    return [*(_BLANKS.sub("", part) if takes_blank(tokenizer) else part for part in before), last]


@dataclass(frozen=True)
class MaskWords:
    """How each id is token_text in the place of a mask."""

    texts: list[str]  # with the blank that is part of a token
    strip: list[bool]  # whether the blanks before the mask are left out
    names: list[str]  # in answers, all different: without blanks


def mask_words(tokenizer: Tokenizer) -> MaskWords:
    """The spelling of all ids of a tokenizer in the place of a mask."""
    texts = [token_text.decode("utf-8", "replace") for token_text in tokenizer.token_bytes[1]]
    texts = [text or tokenizer.token(id) or "" for id, text in enumerate(texts)]
    if isinstance(tokenizer.backend.decoder, decoders.WordPiece | None):  # blanks between words are no tokens
        glued = [not text.startswith(" ") for text in texts]
        texts = [text.removeprefix(" ") for text in texts]
        return MaskWords(texts, glued, _names(texts, glued, tokenizer))
    strip = [takes_blank(tokenizer)] * len(texts)
    return MaskWords(texts, strip, _names(texts, [not text.startswith(" ") for text in texts], tokenizer))


def _names(texts, glued, tokenizer):
    """The names of ids: a piece that goes on with the word before it has "##" where a word is token_text alike."""
    words = {text.strip() for text, inner in zip(texts, glued, strict=True) if not inner}
    names, used = [], set()
    for id, (text, inner) in enumerate(zip(texts, glued, strict=True)):
        name = text.strip() or text
        name = f"##{name}" if inner and name in words else name
        names.append(tokenizer.token(id) or "" if name in used or REPLACEMENT in name else name)
        used.add(names[-1])
    return names


def fill(text: str, words: Sequence[tuple[str, bool]]) -> str:
    """A text with a word of `MaskWords`, (text, strip), in the place of each mask."""
    *before, last = text.split(MASK)
    pieces = []
    for part, (word, strip) in zip(before, words, strict=True):
        left = _BLANKS.sub("", part) if strip else part
        pieces += [left, word if left or pieces else word.lstrip(" ")]
    return "".join([*pieces, last])
