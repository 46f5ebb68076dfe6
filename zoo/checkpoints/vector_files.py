"""Files of word vectors as text (GloVe, word2vec, fastText's .vec) and word2vec's binary form, perhaps with gzip.

A file is read once from its start to its end, a few MB at a time, because the words stand between the numbers.
"""

import gzip
import io
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zoo.checkpoints.vector_source import VectorSource, WordLookup, WordVectors
from zoo.runtime.errors import UserError, shorten

CHUNK = 2**20  # bytes that are read at a time
GZIP = b"\x1f\x8b"


def is_compressed(path: Path) -> bool:
    """Whether a file is compressed by gzip, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file, perhaps compressed by gzip, to read its bytes. Raises UserError where the compression is damaged."""
    open_file = gzip.open if is_compressed(path) else partial(open, buffering=0)
    try:
        with open_file(path, "rb") as raw, io.BufferedReader(raw, CHUNK) as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"Expected a whole file. Received: {path}, which is truncated or damaged ({error}).") from None


class VectorFile(VectorSource):
    """A file in which each word is followed by its vector.

    Args:
        path: of the file.
        width: dimensions of a vector.
    """

    def __init__(self, path: Path, width: int):
        self.path, self.width = path, width

    @abstractmethod
    def entries(self) -> Iterator[tuple[str, bytes]]:
        """Yield each word with the bytes of its vector. Raises UserError where the file is truncated."""

    @abstractmethod
    def vector(self, word: str, data: bytes) -> np.ndarray:
        """The vector of a word, (width,) float32, from its bytes."""

    def words(self) -> Iterator[str]:
        return (word for word, _ in self.entries())

    def read(self, words: Sequence[str]) -> WordVectors:
        lookup, matrix = WordLookup(words), np.zeros((len(words), self.width), "float32")
        for word, data in self.entries():
            for i in lookup.improved(word):
                matrix[i] = self.vector(word, data)
        return WordVectors(matrix, lookup.covered, np.zeros(len(words), bool))


class TextVectors(VectorFile):
    """Word vectors as text: a line is a word and its numbers, between spaces.

    Words may have spaces too, as in glove.840B: the numbers are the last `width` parts of a line.

    Args:
        header: whether the first line holds the numbers of words and of dimensions.
    """

    def __init__(self, path: Path, width: int, header: bool):
        super().__init__(path, width)
        self.header = header

    def entries(self) -> Iterator[tuple[str, bytes]]:
        with open_bytes(self.path) as file:
            for number, line in enumerate(file, start=1):
                if (number > 1 or not self.header) and (line := line.rstrip()):
                    yield self._entry(line, number)

    def _entry(self, line, number):
        spaces = line.count(b" ")
        if spaces == self.width:  # ten times as fast as `rsplit`
            word, _, data = line.partition(b" ")
        else:
            word, *numbers = line.rsplit(b" ", self.width)
            data = b" ".join(numbers)
        if spaces < self.width:
            raise UserError(
                f"Expected a word and {self.width} numbers in line {number} of {self.path}. "
                f"Received: {shorten(line.decode(errors='replace'))}. Is the file whole?"
            )
        return word.decode("utf-8", "replace"), data

    def vector(self, word: str, data: bytes) -> np.ndarray:
        try:
            return np.array(data.split(b" "), "float32")
        except ValueError:
            received = shorten(data.decode(errors="replace"))
            raise UserError(f"Expected numbers after {word!r} in {self.path}. Received: {received}.") from None


class BinaryVectors(VectorFile):
    """Word vectors in word2vec's binary form: each word, a space and its vector as little-endian float32.

    https://code.google.com/archive/p/word2vec (`fwrite` in word2vec.c); a line break may follow a vector.

    Args:
        count: number of words.
    """

    def __init__(self, path: Path, width: int, count: int):
        super().__init__(path, width)
        self.count = count

    def entries(self) -> Iterator[tuple[str, bytes]]:
        with open_bytes(self.path) as file:
            file.readline()  # the numbers of words and of dimensions
            records = ByteReader(file, self.path)
            for _ in range(self.count):
                word = records.read_until(b" ").lstrip(b"\n")
                yield word.decode("utf-8", "replace"), records.read(4 * self.width)

    def vector(self, word: str, data: bytes) -> np.ndarray:
        return np.frombuffer(data, "<f4")


class ByteReader:
    """Reads the fields of a binary file in order. Raises UserError at the end of a truncated file."""

    def __init__(self, file: BinaryIO, path: Path):
        self.file, self.path = file, path
        self.buffer, self.position = b"", 0

    def read(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self.buffer) - self.position < size:
            self._fill()
        self.position += size
        return self.buffer[self.position - size : self.position]

    def read_until(self, end: bytes) -> bytes:
        """The bytes before the next byte `end`, which is skipped."""
        while (index := self.buffer.find(end, self.position)) < 0:
            self._fill()
        data = self.buffer[self.position : index]
        self.position = index + 1
        return data

    def _fill(self):
        chunk = self.file.read(CHUNK)
        if not chunk:
            raise UserError(f"Expected a whole file of word vectors. Received: {self.path}, which is truncated.")
        self.buffer, self.position = self.buffer[self.position :] + chunk, 0
