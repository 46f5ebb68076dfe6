"""Serialization of an explanation for the page: one compressed binary of a JSON header and arrays.

part    | what
------- | ------------------------------------------------------------------------------------------------------
uint32  | bytes of the header, little-endian
header  | UTF-8: {"value": the explanation, "arrays": [array, ...]}; a dataclass is an object of its fields, an
        | array in it {"$array": index}
arrays  | each {"type", "offset" in bytes from the end of the header, "shape", "scale"}

A type is "f2", "u1", "i1", "i2", "i4", or "bit" (eight booleans a byte, the first in its lowest bit), all
little-endian; a value is the stored number times `scale`. Of "u1", attention weights, the last two axes are swapped:
the column of a key compresses better than the row of a query. All is raw deflate (RFC 1951), which browsers inflate.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from zoo.explore.views import AttentionLayer

EXACT_WEIGHTS = 1_000_000  # attention weights up to which they are float16; more are linear, in 8 bits
LEVELS = (255, 127, 63)  # of weights between 0 and 1: the first with which they fit into `WEIGHT_BYTES`, or the last
WEIGHT_BYTES = 2_800_000  # compressed


def encode(explanation: Any) -> bytes:
    """An `Explanation` as the compressed binary that the page reads (module docstring)."""
    writer = _Writer(exact=_weight_count(explanation) <= EXACT_WEIGHTS)
    value = writer.value(explanation)
    weights = writer.compress_weights()
    header = json.dumps({"value": value, "arrays": writer.arrays}, ensure_ascii=False, separators=(",", ":"))
    text = header.encode("utf-8", "replace")
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = map(deflate.compress, (len(text).to_bytes(4, "little"), text, *writer.parts))
    return b"".join([*parts, deflate.flush(zlib.Z_SYNC_FLUSH), weights])


def _weight_count(value: Any) -> int:
    """The number of attention weights in a value."""
    if isinstance(value, AttentionLayer):
        return value.weights.size
    if is_dataclass(value):
        return sum(_weight_count(getattr(value, item.name)) for item in fields(value))
    return sum(map(_weight_count, value)) if isinstance(value, list) else 0


class _Writer:
    """Values as JSON, with their arrays aside. Equal arrays, such as the masks of all layers, are written once.

    Attributes:
        arrays: descriptions of the arrays.
        parts: bytes of the arrays that are not 8-bit attention weights, which follow.
    """

    def __init__(self, exact: bool):
        self.arrays: list[dict[str, Any]] = []
        self.parts: list[bytes] = []
        self._exact, self._size = exact, 0
        self._weights: list[tuple[dict[str, Any], np.ndarray]] = []
        self._indices: dict[tuple, int] = {}

    def value(self, value: Any) -> Any:
        """A value as JSON."""
        if is_dataclass(value):
            return {item.name: self._field(value, item.name) for item in fields(value)}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Mapping):
            return {str(name): self.value(item) for name, item in value.items()}
        if isinstance(value, str) or value is None:
            return value
        if isinstance(value, Iterable):
            return [self.value(item) for item in value]
        return _number(value)

    def _field(self, value, name):
        item = getattr(value, name)
        is_weights = isinstance(value, AttentionLayer) and name == "weights"
        return self._quantized(item) if is_weights and not self._exact else self.value(item)

    def _array(self, array):
        kind, stored, scale = _stored(array)
        content = stored.tobytes()
        key = (kind, array.shape, scale, content)
        if key not in self._indices:
            self._indices[key] = self._describe(kind, array.shape, scale, self._size)
            self.parts.append(content)
            self._size += len(content)
        return {"$array": self._indices[key]}

    def _quantized(self, weights):
        index = self._describe("u1", weights.shape, 1.0, 0)
        self._weights.append((self.arrays[index], weights))
        return {"$array": index}

    def _describe(self, kind, shape, scale, offset):
        self.arrays.append({"type": kind, "offset": offset, "shape": shape, "scale": scale})
        return len(self.arrays) - 1

    def compress_weights(self) -> bytes:
        """The 8-bit attention weights, compressed; sets their offsets and scales."""
        compressed = b""
        for levels in LEVELS:
            # run lengths alone compress many zeros as well as a search for repetitions does, in a tenth of the time
            deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
            offset, parts = self._size, []
            for description, weights in self._weights:
                description |= {"offset": offset, "scale": 1 / levels}
                stored = np.rint(np.swapaxes(weights, -1, -2) * levels).astype("uint8")
                parts.append(deflate.compress(stored.tobytes()))
                offset += stored.size
            compressed = b"".join([*parts, deflate.flush()])
            if len(compressed) <= WEIGHT_BYTES:
                break
        return compressed


def _stored(array):
    """`(type, stored array, scale)` of an array that is no 8-bit attention weights."""
    if array.dtype == bool:
        return "bit", np.packbits(array, bitorder="little"), 1.0
    if array.dtype.kind in "iu":
        limits = {kind: np.iinfo(kind) for kind in ("i1", "i2", "i4")}
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        kind = next(kind for kind, limit in limits.items() if limit.min <= low and high <= limit.max)
        return kind, array.astype(f"<{kind}"), 1.0
    maximum = float(np.max(np.abs(array), initial=0, where=np.isfinite(array)))
    scale = 2.0 ** np.floor(np.log2(maximum)) if maximum else 1.0
    return "f2", (array / scale).astype("<f2"), scale


def _number(value):
    """A number as JSON has it: 5 digits; null where it is not finite."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    return float(f"{value:.5g}") if np.isfinite(value) else None
