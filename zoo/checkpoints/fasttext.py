"""Models of fastText (.bin): vectors of words, and of unknown words from their character n-grams.

Bojanowski 2017, https://aclanthology.org/Q17-1010. The vector of a word is the mean of its own vector, if it has one,
and those of its n-grams, which share rows by a hash. The format is that of
https://github.com/facebookresearch/fastText: args.cc, dictionary.cc and densematrix.cc. Only the rows that a
vocabulary needs are read from the matrix, in ascending order.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zoo.checkpoints.vector_files import ByteReader, is_compressed, open_bytes
from zoo.checkpoints.vector_source import VectorSource, WordLookup, WordVectors
from zoo.layers.embedding import FNV_PRIME
from zoo.runtime.errors import UserError

MAGIC = struct.pack("<i", 793_712_314)  # the first bytes of a model
VERSIONS = (11, 12)
SUPERVISED = 3
FNV_OFFSET = 2_166_136_261  # of the 32-bit FNV-1a hash
END_OF_SENTENCE = "</s>"  # has no n-grams


class FastTextModel(VectorSource):
    """The word vectors of a model of fastText.

    Raises UserError for a quantised model (.ftz), another version of the format and a damaged file.

    Args:
        path: of the model, perhaps compressed by gzip.
    """

    def __init__(self, path: Path):
        self.path = path
        with open_bytes(path) as file:
            self._read_settings(ByteReader(file, path))

    def _read_settings(self, reader):
        _, version = struct.unpack("<2i", reader.read(8))
        if version not in VERSIONS:
            raise UserError(f"Expected version 11 or 12 of fastText's format. Received: {version} in {self.path}.")
        settings = struct.unpack("<12id", reader.read(56))
        self.width, model, self.buckets = settings[0], settings[7], settings[8]
        self.shortest, self.longest = settings[9:11]  # n-grams, in characters
        if version == VERSIONS[0] and model == SUPERVISED:
            self.longest = 0  # as in fasttext.cc
        self.size, self.count, _, _, self.pruned = struct.unpack("<3i2q", reader.read(28))

    def words(self) -> Iterator[str]:
        with open_bytes(self.path) as file:
            yield from self._dictionary(_skip_settings(file, self.path))

    def _dictionary(self, reader):
        for i in range(self.size):
            word = reader.read_until(b"\0")
            reader.read(9)  # its count and its type: words come before labels
            if i < self.count:
                yield word.decode("utf-8", "replace")

    def read(self, words: Sequence[str]) -> WordVectors:
        lookup, word_rows = WordLookup(words), np.full(len(words), -1)
        entries = list(words)  # the dictionary's form of each word: its n-grams count
        with open_bytes(self.path) as file:
            reader = _skip_settings(file, self.path)
            for row, word in enumerate(self._dictionary(reader)):
                for i in lookup.improved(word):
                    word_rows[i], entries[i] = row, word
            bucket_row = self._bucket_rows(reader)
            rows = [self._rows(word, row, bucket_row) for word, row in zip(entries, word_rows, strict=True)]
            matrix = self._means(file, reader, rows)
        by_subwords = ~lookup.covered & np.array([len(row) > 0 for row in rows], bool)
        return WordVectors(matrix, lookup.covered, by_subwords)

    def _bucket_rows(self, reader) -> dict[int, int] | None:
        """{bucket: its row after those of the words} of a pruned model; None: all buckets, in order."""
        pairs = np.frombuffer(reader.read(8 * max(0, self.pruned)), "<i4").tolist()
        return dict(zip(pairs[::2], pairs[1::2], strict=True)) if self.pruned >= 0 else None

    def _rows(self, word, word_row, bucket_row) -> list[int]:
        """The rows of the matrix whose mean is the vector of a word; `word_row` is -1 for a word without one."""
        rows = [] if word_row < 0 else [int(word_row)]
        for bucket in () if word == END_OF_SENTENCE else self._buckets(word):
            bucket = bucket if bucket_row is None else bucket_row.get(bucket)
            rows += [] if bucket is None else [self.count + bucket]
        return rows

    def _buckets(self, word):
        if not self.buckets:
            return []
        grams = character_ngrams(f"<{word}>", self.shortest, self.longest)
        return [fnv_hash(gram.encode()) % self.buckets for gram in grams]

    def _means(self, file, reader, rows):
        """The means of rows of the matrix, (words, width); zeros for a word without rows."""
        (quantized,) = reader.read(1)
        if quantized:
            raise UserError(f"Expected a model that is not quantised. Received: {self.path}, a quantised one (.ftz).")
        height, width = struct.unpack("<2q", reader.read(16))
        numbers = np.unique(np.array([row for word in rows for row in word], "int64"))
        if width != self.width or (len(numbers) and numbers[-1] >= height):
            raise UserError(f"Expected a matrix of {self.width} columns. Received: {self.path}, which is damaged.")
        start = file.tell() - (len(reader.buffer) - reader.position)
        table = _read_rows(file, self.path, start, numbers, self.width)
        means = np.zeros((len(rows), self.width), "float32")
        for i, word in enumerate(rows):
            if word:
                means[i] = table[np.searchsorted(numbers, word)].mean(0)
        return means


def _skip_settings(file: BinaryIO, path: Path) -> ByteReader:
    reader = ByteReader(file, path)
    reader.read(8 + 56 + 28)
    return reader


def _read_rows(file, path, start, numbers, width) -> np.ndarray:
    """Rows of a matrix of float32 that begins at byte `start` of a file: (rows, width).

    A compressed file is decompressed up to the last of these rows; another one is mapped into memory.
    """
    if not is_compressed(path):
        rows_in_file = (path.stat().st_size - start) // (4 * width)
        if not len(numbers) or numbers[-1] < rows_in_file:
            return np.memmap(path, "<f4", "r", start, (rows_in_file, width))[numbers]
    table = np.empty((len(numbers), width), "float32")
    for i, number in enumerate(numbers.tolist()):
        file.seek(start + 4 * width * number)
        data = file.read(4 * width)
        if len(data) < 4 * width:
            raise UserError(f"Expected a whole file of word vectors. Received: {path}, which is truncated.")
        table[i] = np.frombuffer(data, "<f4")
    return table


def character_ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """The n-grams of a word with its boundary marks, as `computeSubwords` of fastText; no single boundary mark.

    Args:
        shortest, longest: lengths of the n-grams in characters.
    """
    size = len(word)
    return [
        word[i : i + n]
        for i in range(size)
        for n in range(max(shortest, 1), min(longest, size - i) + 1)
        if n > 1 or 0 < i < size - 1
    ]


def fnv_hash(data: bytes) -> int:
    """The 32-bit FNV-1a hash of fastText, in which each byte is a signed number."""
    value = FNV_OFFSET
    for byte in data:
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME) & 0xFFFFFFFF
    return value
