"""Limit on how much longer a tokenizer may make a text: a normaliser or decoder that multiplies it is refused."""

import base64
import json
import math
from typing import Any

import tokenizers

from zoo.runtime.errors import UserError

MOST = 1000.0  # characters that one character may become; SentencePiece's NFKC makes 18 of U+FDFA
UNICODE = 18.0  # of the normal forms of Unicode, Unicode 16.0, section 3.11


def check_growth(backend: tokenizers.Tokenizer) -> None:
    """Raise `UserError` for a normaliser, pre-tokenizer or decoder that may multiply a text beyond all memory."""
    spec = json.loads(backend.to_str())
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        growth = _growth(spec[part])
        if growth > MOST:
            raise UserError(f"its {part} may make {growth:.3g} characters of one, more than {MOST:.0f}")


def _growth(spec: Any) -> float:
    """The most characters that a part of a tokenizer makes of one; a product over the parts of a sequence."""
    kind = spec and spec.get("type")
    if kind == "Sequence":
        parts = next(value for value in spec.values() if isinstance(value, list))
        return math.prod(map(_growth, parts))
    if kind == "Replace":
        (form, pattern), text = next(iter(spec["pattern"].items())), spec["content"]
        matched = len(pattern) if form == "String" else 0  # a regular expression may match the empty text
        return max(1.0, len(text) / matched if matched else 1.0 + len(text))
    if kind == "Precompiled":
        data = base64.b64decode(spec["precompiled_charsmap"])
        return float(max(map(len, data[4 + int.from_bytes(data[:4], "little") :].split(b"\0"))))
    return UNICODE if kind in ("NFD", "NFKD", "NFC", "NFKC") else 1.0
