"""Decimal text to a double, digit by digit as RapidJSON 1.1 does: its last bit can differ from correct rounding."""

UINT64 = 2**64 - 1
INT64 = 2**63  # the magnitude of the smallest one
EXACT = 2**53 - 1  # integers up to it are exact as doubles
DIGITS = 17  # significant digits after which RapidJSON ignores those of a fraction
BIGGEST = 308  # limit power of ten of a double
TENTH_OF_BIGGEST = 1.7976931348623157e307
LARGEST_EXPONENT = 214748364
POWERS = tuple(float(f"1e{power}") for power in range(BIGGEST + 1))
PLAIN = 16  # a number of at most so many characters, without an exponent, is rounded correctly by RapidJSON too


class NumberTooBigError(ValueError):
    """A number beyond the limit double."""


def parse_float(text: str) -> float:
    """The double of a JSON number that has a fraction or an exponent. Raises NumberTooBigError."""
    if "e" in text or "E" in text:
        digits, _, exponent = text.lower().partition("e")
        integer, _, fraction = digits.lstrip("-").partition(".")
        value = number(integer, fraction, exponent, text.startswith("-"))
    elif len(text) <= PLAIN:
        return float(text)
    else:
        integer, _, fraction = text.lstrip("-").partition(".")
        value = _double(integer, fraction, "", INT64 if text.startswith("-") else UINT64)
    return -value if text.startswith("-") else value


def integer_or_float(value: int) -> int | float:
    """An integer as RapidJSON holds it: a double where it fits neither int64 nor uint64. Raises NumberTooBigError."""
    if -INT64 <= value <= UINT64:
        return value
    return _accumulate(str(abs(value)), INT64 if value < 0 else UINT64) * (-1 if value < 0 else 1)


def number(integer: str, fraction: str, exponent: str, negative: bool) -> int | float:
    """The magnitude of a number from its digits: an int where it has neither fraction nor exponent and fits 64 bits.

    Args:
        integer: the digits before the point.
        fraction: the digits after the point, or "".
        exponent: the power of ten with its sign, or "".
        negative: whether the number is below zero, which moves the limit of 64 bits.

    Raises NumberTooBigError.
    """
    if len(integer) > BIGGEST + 1:
        raise NumberTooBigError
    if fraction or exponent:
        return _double(integer, fraction, exponent, INT64 if negative else UINT64)
    return abs(integer_or_float(-int(integer) if negative else int(integer)))


def _double(integer, fraction, exponent, limit):
    significand, shift = _significand(integer, fraction, limit)
    if not exponent and shift <= BIGGEST:
        return significand / POWERS[shift]
    power = _exponent(exponent, BIGGEST + shift) - shift
    if power < -BIGGEST:
        return _scale(_scale(significand, -BIGGEST), power + BIGGEST)
    return _scale(significand, power)


def _significand(integer, fraction, limit):
    """The digits as a double, and by how many digits of the fraction it is too large."""
    if len(integer) > 18 and int(integer[:21]) > limit:
        return _accumulate(integer, limit), 0
    digits, last = (fraction.lstrip("0"), DIGITS) if integer == "0" else (integer + fraction, DIGITS + 1)
    if not digits:
        return 0.0, len(fraction)
    exact = max(len(integer), 16 if int(digits[:16]) > EXACT else 17)
    value = float(int(digits[:exact]))
    if exact >= last or exact >= len(digits):
        return value, len(fraction) - max(0, len(digits) - exact)
    for digit in digits[exact:last]:
        value = value * 10.0 + int(digit)
    return value, len(fraction) - max(0, len(digits) - last)


def _accumulate(integer, limit):
    length = next(length for length in (20, 19, 18) if int(integer[:length]) <= limit)
    value = float(int(integer[:length]))
    for digit in integer[length:]:
        if value >= TENTH_OF_BIGGEST:
            raise NumberTooBigError
        value = value * 10 + int(digit)
    return value


def _exponent(text, limit):
    if not text:
        return 0
    digits = text.lstrip("+-").lstrip("0")[:12] or "0"
    exponent = min(int(digits), LARGEST_EXPONENT)
    if text.startswith("-"):
        return -exponent
    if exponent > limit:
        raise NumberTooBigError
    return exponent


def _scale(value, power):
    if power < -BIGGEST:
        return 0.0
    return value * POWERS[power] if power >= 0 else value / POWERS[-power]
