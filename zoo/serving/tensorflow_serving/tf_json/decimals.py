"""Floats as decimal text, as TensorFlow Serving writes them: `%g` where that gives the same float, else all digits."""

from fractions import Fraction
from typing import Any

import numpy as np

SHORT, FLOAT, DOUBLE = 6, 9, 17  # significant digits: of `%g`; enough for any float32; enough for any float64
SMALLEST = 1.1754943508222875e-38  # smallest normal float32
MIDDLE, DROPPED = 1 << 28, (1 << 29) - 1  # of the 29 bits of a float64 that a float32 has not


def format_decimal(value: float, double: bool = False) -> str:
    """One float32, or with `double` one float64, as JSON: "0.1", "1.0", "1e+30", "NaN", "-Infinity"."""
    return format_decimals(np.array([value], np.float64 if double else np.float32))[0]


def format_decimals(values: np.ndarray[Any, Any]) -> list[str]:
    """The numbers of a float32 or float64 array of one dimension, as JSON."""
    finite = np.isfinite(values)
    numbers = np.where(finite, values, 0)
    digits = FLOAT if values.dtype == np.float32 else DOUBLE
    short = _is_short(numbers)
    size = np.abs(numbers)
    is_integer = (np.trunc(numbers) == numbers) & (size < np.where(short, 10.0**SHORT, 10.0**digits))
    formats = np.array(["%g", "%g.0", f"%.{digits}g", f"%.{digits}g.0"])[2 * ~short + is_integer]
    text = (" ".join(formats.tolist()) % tuple(numbers.tolist())).split(" ") if len(numbers) else []
    for index in np.flatnonzero(~finite):
        value = values[index]
        text[index] = "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return text


def _is_short(numbers):
    """Whether six digits give the same number back."""
    if numbers.dtype != np.float32:
        text = ("%g " * len(numbers) % tuple(numbers.tolist())).split()
        return np.array([float(number) for number in text], np.float64) == numbers
    size = np.abs(numbers).astype(np.float64)
    normal = np.where(size < SMALLEST, 1.0, size)
    exponent = np.floor(np.log10(normal)).astype(int)
    six_digits = _round(normal, exponent)
    exponent += (six_digits >= 10.0**SHORT).astype(int) - (six_digits < 10.0 ** (SHORT - 1))
    power = exponent - SHORT + 1
    decimal = np.where(
        power > 0, _round(normal, exponent) * 10.0 ** abs(power), _round(normal, exponent) / 10.0 ** abs(power)
    )
    with np.errstate(over="ignore"):
        short = decimal.astype(np.float32) == size
    unsure = abs((decimal.view(np.int64) & DROPPED) - MIDDLE) < 16  # between two float32: two roundings may differ
    for index in np.flatnonzero(unsure | ((size < SMALLEST) & (size > 0))):
        short[index] = _gives(f"{numbers[index]:g}", numbers[index])
    return short | (size == 0)


def _round(size, exponent):
    power = SHORT - 1 - exponent
    return np.rint(np.where(power > 0, size * 10.0 ** abs(power), size / 10.0 ** abs(power)))


def _gives(text, number):
    """Whether a decimal text is nearer to a float32 than to its neighbours."""
    below, above = (Fraction(float(np.nextafter(number, np.float32(way)))) for way in (-np.inf, np.inf))
    value, decimal = Fraction(float(number)), Fraction(text)
    low, high = (value + below) / 2, (value + above) / 2
    even = not int(np.float32(number).view(np.int32)) & 1
    return low < decimal < high or (even and decimal in (low, high))
