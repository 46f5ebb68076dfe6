"""Text encoding of a file: UTF-8, UTF-16 or UTF-32 by a byte order mark, else Windows-1252 (cp1252) as a guess.

A file is taken for cp1252, with one message, where the first bytes beyond ASCII are no UTF-8 and would be, in cp1252,
a few letters among many of ASCII, as in Western European languages. Any other file that is not UTF-8 is refused: one
that has lines of both encodings, and one in another alphabet, such as cp1251.
"""

import codecs
import re

from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError, shorten

MARKS = {  # UTF-32 first: its little-endian mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
WESTERN = "cp1252"
MOST = 0.3  # share of the letters of a line that are beyond ASCII: at most that in Western European languages


def encoding_of_mark(data: bytes) -> str:
    """The encoding, "utf-16" or "utf-32", of the byte order mark at the beginning of `data`; "" without one."""
    return next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), "")


class LineDecoder:
    """Decodes the lines of one file in order: ASCII, then UTF-8 or cp1252 from the first other byte on.

    Args:
        path: of the file, for messages.
        errors: "strict", or "replace" for UTF-8 with U+FFFD in place of invalid bytes.
    """

    def __init__(self, path: str, errors: str) -> None:
        self.path, self.errors = path, errors
        self.encoding = ""  # until the first byte beyond ASCII
        self.number = 0  # of the line that decided on the encoding

    def decode(self, line: bytes, number: int) -> str:
        """The text of a line. Raises UserError, with the line's number, where it is in no known encoding."""
        if line.isascii():
            return line.decode("ascii")
        if self.errors == "replace":
            return line.decode("utf-8", "replace")
        if not self.encoding:
            self.encoding, self.number = self._encoding_of(line, number), number
        if self.encoding == WESTERN:
            self._check_western(line, number)
            return line.decode(WESTERN)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._refused(line, number) from error

    def _encoding_of(self, line, number):
        """The encoding of the first line that is not ASCII."""
        if _decodes(line, "utf-8"):
            return "utf-8"
        if not _is_western(line):
            raise self._refused(line, number)
        word = next(word for word in re.split("[ \t\r\n]+", line.decode(WESTERN)) if not word.isascii())
        print_once(
            f"Read {self.path} as {WESTERN} (Windows-1252), a guess, since it is not UTF-8: {shorten(word)} in line "
            f"{number}. If that is wrong, save it as UTF-8."
        )
        return WESTERN

    def _check_western(self, line, number):
        """Raise UserError for a line of another encoding than the line that decided on cp1252."""
        if _decodes(line, "utf-8"):
            raise UserError(
                f"Expected one encoding in {self.path}. Received: {WESTERN} in line {self.number}, UTF-8 in line "
                f"{number}. "
                "Save the file as UTF-8, or read it with --errors replace."
            )
        if not _is_western(line):
            raise self._refused(line, number)

    def _refused(self, line, number):
        try:
            line.decode("utf-8")
            start = next(index for index, byte in enumerate(line) if byte > 0x7F)
        except UnicodeDecodeError as error:
            start = error.start
        return UserError(
            f"Expected UTF-8. Received: byte 0x{line[start]:02x} at {self.path}:{number}, byte {start + 1} of the "
            "line. Save the file as UTF-8, or replace invalid bytes by U+FFFD with --errors replace."
        )


def _decodes(line, encoding):
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_western(line):
    """Whether a line is plausible as cp1252: few of its letters are beyond ASCII."""
    if not _decodes(line, WESTERN):
        return False
    letters = [character for character in line.decode(WESTERN) if character.isalpha()]
    return sum(not letter.isascii() for letter in letters) <= MOST * len(letters) or len(letters) < 4
