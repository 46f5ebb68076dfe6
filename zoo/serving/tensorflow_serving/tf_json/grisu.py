"""The decimal digits of a double by Grisu2 as RapidJSON has it (Loitsch 2010): at most 17, and not always the nearest.

Numbers in binary are pairs: an integer of 64 bits and a power of two.
"""

from fractions import Fraction
from functools import cache

BITS = 64
MASK = 2**BITS - 1
HIDDEN = 2**52  # the leading bit of a normal double's significand
SMALLEST_EXPONENT = -1074
STEP, FIRST = 8, -348  # the powers of ten at hand
TABLE = tuple(10**power for power in range(9))
LOG10_2 = 0.30102999566398114


def shortest_digits(number: float) -> tuple[str, int]:
    """`(digits, power of ten)` of a finite double above zero, so that the number is digits x 10^power."""
    significand, exponent = _split(number)
    high = _normalize(significand * 2 + 1, exponent - 1)
    low = (significand * 4 - 1, exponent - 2) if significand == HIDDEN else (significand * 2 - 1, exponent - 1)
    low = (low[0] << (low[1] - high[1]), high[1])
    power, ten = _power_of_ten(high[1])
    value = _multiply(_normalize(significand, exponent), ten)[0]
    top, top_exponent = _multiply(high, ten)
    top -= 1
    return _digits(top, top - value, top - _multiply(low, ten)[0] - 1, -top_exponent, power)


def _split(number):
    numerator, denominator = number.as_integer_ratio()
    exponent = max(SMALLEST_EXPONENT, numerator.bit_length() - denominator.bit_length() - 53)
    significand = Fraction(numerator, denominator) / Fraction(2) ** exponent
    while significand >= 2 * HIDDEN:
        significand, exponent = significand / 2, exponent + 1
    return int(significand), exponent


def _normalize(significand, exponent):
    shift = BITS - significand.bit_length()
    return significand << shift, exponent - shift


def _multiply(first, second):
    product = first[0] * second[0]
    return (product >> BITS) + (product >> (BITS - 1) & 1), first[1] + second[1] + BITS


def _power_of_ten(exponent):
    """`(-power, 10^power)` with the power that brings a number of that exponent near to 1."""
    estimate = (-61 - exponent) * LOG10_2 + 347
    index = (int(estimate) + (estimate > int(estimate)) >> 3) + 1
    power = FIRST + STEP * index
    return -power, _cached_power(power)


@cache
def _cached_power(power):
    ten = Fraction(10) ** power
    exponent = ten.numerator.bit_length() - ten.denominator.bit_length() - BITS
    significand = round(ten / Fraction(2) ** exponent)
    if significand > MASK:
        significand, exponent = round(ten / Fraction(2) ** (exponent + 1)), exponent + 1
    if significand <= MASK >> 1:
        significand, exponent = round(ten / Fraction(2) ** (exponent - 1)), exponent - 1
    return significand, exponent


def _digits(top, distance, delta, shift, power):
    """Digits of `top` until the remainder is within `delta`, the last one moved towards the number `distance` below."""
    integer, part = top >> shift, top & ((1 << shift) - 1)
    position = min(len(str(integer)), 9)
    digits = []
    while position:
        position -= 1
        digit, integer = divmod(integer, TABLE[position])
        digits.append(digit)
        remainder = (integer << shift) + part
        if remainder <= delta:
            return _round_last(digits, delta, remainder, TABLE[position] << shift, distance), power + position
    while True:
        part, delta, position = part * 10, delta * 10 & MASK, position - 1
        digits.append(part >> shift)
        part &= (1 << shift) - 1
        if part < delta:
            unit = TABLE[-position] if -position < len(TABLE) else 0
            return _round_last(digits, delta, part, 1 << shift, distance * unit & MASK), power + position


def _round_last(digits, delta, remainder, unit, distance):
    while (
        remainder < distance
        and delta - remainder >= unit
        and (remainder + unit < distance or distance - remainder > remainder + unit - distance)
    ):
        digits[-1] -= 1
        remainder += unit
    return "".join(map(str, digits)).lstrip("0")
