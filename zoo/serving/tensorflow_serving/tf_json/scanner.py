"""Strings, numbers and literals of a JSON text as RapidJSON reads them: its grammar, errors and byte offsets."""

import re

from zoo.serving.tensorflow_serving.tf_json.numbers import NumberTooBigError, number

SPACE = re.compile(rb"[ \n\r\t]*")
PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')  # characters of a string that stand for themselves
HEX = re.compile(rb"[0-9a-fA-F]{4}")
INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,17})(?=[\],} \n\r\t])")
DIGITS = re.compile(rb"[0-9]*")
ESCAPES = {34: b'"', 47: b"/", 92: b"\\", 98: b"\b", 102: b"\f", 110: b"\n", 114: b"\r", 116: b"\t"}
LITERALS = {b"n": (b"null", None), b"t": (b"true", True), b"f": (b"false", False)}
END = b"\0"

VALUE = "Invalid value."
UNICODE = "Incorrect hex digit after \\u escape in string."
SURROGATE = "The surrogate pair in string is invalid."
ESCAPE = "Invalid escape character in string."
QUOTE = "Missing a closing quotation mark in string."
TOO_BIG = "Number too big to be stored in double."
FRACTION = "Miss fraction part in number."
EXPONENT = "Miss exponent in number."


class JSONError(ValueError):
    """A text that is no JSON: RapidJSON's sentence, and the offset in bytes."""

    def __init__(self, sentence: str, offset: int):
        super().__init__(f"{sentence} at offset: {offset}")


class Scanner:
    """A position in a JSON text.

    Strings are decoded with `surrogateescape`, so that bytes that are not UTF-8 survive.
    """

    def __init__(self, body: bytes):
        self.body = bytes(body) + END
        self.at = 0

    def scalar(self, character):
        if character == b'"':
            return self.string()
        if character not in LITERALS:
            return int(integer) if (integer := self.match(INTEGER)) else self.number()
        literal, value = LITERALS[character]
        self.expect(literal)
        return value

    def string(self):
        self.at += 1
        parts = []
        while True:
            parts.append(self.match(PLAIN))
            if self.consume(b'"'):
                return b"".join(parts).decode("utf-8", "surrogateescape")
            if self.peek() != b"\\":
                raise JSONError(QUOTE if self.peek() == END else ESCAPE, self.at)
            parts.append(self.escape())

    def escape(self):
        offset = self.at
        self.at += 2
        if (byte := self.body[offset + 1]) in ESCAPES:
            return ESCAPES[byte]
        if byte != ord("u"):
            raise JSONError(ESCAPE, offset)
        code = self.code_unit(offset)
        if 0xD800 <= code <= 0xDBFF:
            if self.body[self.at : self.at + 2] != b"\\u":
                raise JSONError(SURROGATE, offset)
            self.at += 2
            low = self.code_unit(offset)
            if not 0xDC00 <= low <= 0xDFFF:
                raise JSONError(SURROGATE, offset)
            code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00))
        return chr(code).encode("utf-8", "surrogatepass")

    def code_unit(self, offset):
        if not (digits := self.match(HEX)):
            raise JSONError(UNICODE, offset)
        return int(digits, 16)

    def number(self) -> int | float:
        offset = self.at
        negative = self.consume(b"-")
        special = None
        if self.peek() in b"NI":
            integer, special = "0", self.nan_or_infinity()
        elif not (integer := "0" if self.consume(b"0") else self.digits()):
            raise JSONError(VALUE, self.at)
        try:
            value = number(integer, "", "", negative)
            fraction = self.required(FRACTION) if self.consume(b".") else ""
            exponent = self.exponent()
            if fraction or exponent:
                value = number(integer, fraction, exponent, negative)
            elif special is not None:
                value = special
        except NumberTooBigError as error:
            raise JSONError(TOO_BIG, offset) from error
        return -value if negative else value

    def exponent(self):
        if not (self.consume(b"e") or self.consume(b"E")):
            return ""
        sign = "" if self.consume(b"+") or not self.consume(b"-") else "-"
        return sign + self.required(EXPONENT)

    def nan_or_infinity(self):
        if self.consume(b"N") and self.consume(b"a") and self.consume(b"N"):
            return float("nan")
        self.expect(b"Inf")  # after "N" or "Na" too
        if self.peek() == b"i":
            self.expect(b"inity")
        return float("inf")

    def required(self, sentence):
        if digits := self.digits():
            return digits
        raise JSONError(sentence, self.at)

    def digits(self):
        return self.match(DIGITS).decode()

    def expect(self, literal):
        for byte in literal:
            if self.body[self.at] != byte:
                raise JSONError(VALUE, self.at)
            self.at += 1

    def consume(self, character):
        matches = self.peek() == character
        self.at += matches
        return matches

    def peek(self):
        return self.body[self.at : self.at + 1]

    def skip(self):
        self.match(SPACE)

    def match(self, expression: re.Pattern[bytes]) -> bytes:
        """Take what matches an expression here, which may be nothing."""
        if match := expression.match(self.body, self.at):
            self.at = match.end()
        return match.group() if match else b""
