"""Python values of table cells, from those of NumPy, pandas, Arrow and calamine; a hash of rows of them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

import numpy as np

from zoo.readers._reader import Row

MISSING_TYPES = ("NAType", "NaTType")  # of pandas: neither compares as other values do


def to_python(value: Any) -> Any:
    """A cell as a string, number, list or dict; None where it is missing (None, NaN, NA or NaT).

    Dates and times become ISO 8601, decimals and bytes become strings, lone surrogates in strings U+FFFD. Other values
    come back as they are.
    """
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, float):
        return float(value) if value == value else None
    if isinstance(value, Mapping):
        return {without_surrogates(str(name)): to_python(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Sequence):
        return [to_python(item) for item in value]
    return None if type(value).__name__ in MISSING_TYPES else _from_library(value)


def _from_library(value):
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "as_py"):  # a scalar of Arrow
        return to_python(value.as_py())
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy, a column of pandas
        if getattr(value, "dtype", None) == np.float32:
            return [to_python(item) for item in value] if value.ndim else shortest_float(value)
        return to_python(value.tolist())
    method = next((name for name in ("to_list", "to_pylist") if hasattr(value, name)), "")  # columns of polars, Arrow
    return to_python(getattr(value, method)()) if method else value


def without_surrogates(value: Any) -> Any:
    """A value of JSON with U+FFFD in place of each lone surrogate in its strings, those of keys too."""
    if isinstance(value, str):
        return value if _is_utf_8(value) else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {without_surrogates(name): without_surrogates(item) for name, item in value.items()}
    return [without_surrogates(item) for item in value] if isinstance(value, list) else value


def _is_utf_8(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortest_float(value: float | None) -> float | None:
    """The shortest decimal of a float32: 3.8, where the float64 of the same value is 3.799999952316284."""
    return None if value is None else to_python(float(str(np.float32(value))))


def digest_rows(rows: Iterable[tuple[str, Row]]) -> str:
    """A hash of the content of (location, row) pairs, in order."""
    digest = hashlib.sha256()
    for _, row in rows:
        digest.update(f"{row!r}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
