"""Character map of SentencePiece: the strings that its normaliser replaces, read from `precompiled_charsmap`.

The map is a double-array trie (Darts-clone, https://github.com/s-yata/darts-clone) and the replacements, each ended by
a zero byte.
"""

import struct


def read_charsmap(data: bytes) -> dict[bytes, bytes]:
    """{string: replacement} of a `precompiled_charsmap`, in UTF-8. Raises ValueError for damaged data."""
    (size,) = struct.unpack_from("<I", data)
    if size % 4 or size + 4 > len(data):
        raise ValueError("its character map is damaged")
    units = struct.unpack_from(f"<{size // 4}I", data, 4)
    values = data[4 + size :]
    entries: dict[bytes, bytes] = {}
    waiting = [(b"", _offset(units[0]))]
    while waiting:
        prefix, node = waiting.pop()
        for byte in range(1, 256):
            child = node ^ byte
            if child >= len(units) or units[child] & 0x8000_00FF != byte:
                continue
            unit, key = units[child], prefix + bytes([byte])
            following = child ^ _offset(unit)
            if unit >> 8 & 1:
                start = units[following] & 0x7FFF_FFFF
                entries[key] = values[start : values.index(b"\0", start)]
            waiting.append((key, following))
    return entries


def _offset(unit):
    return (unit >> 10) << ((unit & 0x200) >> 6)


def encode_charsmap(entries: dict[bytes, bytes]) -> bytes:
    """A `precompiled_charsmap` of few short strings: the inverse of `read_charsmap`."""
    values, starts = b"", {}
    for key, value in entries.items():
        starts[key] = len(values)
        values += value + b"\0"
    units: dict[int, int] = {0: 0}
    _add_node(b"", starts, units, 0, set())
    array = [units.get(i, 0) for i in range(-(-(max(units) + 1) // 256) * 256)]
    return struct.pack(f"<I{len(array)}I", 4 * len(array), *array) + values


def _add_node(prefix, starts, units, position, bases):
    """Place the children of a node of the trie, whose own unit is at `position`."""
    labels = sorted({key[len(prefix)] for key in starts if key.startswith(prefix) and len(key) > len(prefix)})
    slots = [0, *labels] if prefix in starts else labels
    base = next(b for b in range(1, 1 << 21) if b not in bases and all((b ^ label) not in units for label in slots))
    bases.add(base)
    units[position] |= (position ^ base) << 10 | (1 << 8 if prefix in starts else 0)
    for label in slots:
        units[base ^ label] = label if label else 0x8000_0000 | starts[prefix]
    for label in labels:
        _add_node(prefix + bytes([label]), starts, units, base ^ label, bases)
