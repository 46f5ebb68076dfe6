"""Chunks of batch inference: rows in, the part of a prediction file that holds them and their answers out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.pipeline.prediction_formats import FORMATS
from zoo.text.truncated import counted_truncation

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline

Row = tuple[dict[str, Any], dict[str, Any]]  # a row of all columns, and its record: see `Pipeline.rows_of`


@dataclass(frozen=True)
class EncodedChunk:
    """A chunk of rows with their answers, encoded for the format of its file.

    Attributes:
        content: of `JsonLines.encode`, or of another of `zoo.pipeline.prediction_formats.FORMATS`.
        rows: their number.
        checksum: of the rows without their answers.
        texts: number of texts that were encoded to a maximum length.
        cut: {maximum length: number of texts that were longer}.
    """

    content: Any
    rows: int
    checksum: int
    texts: int
    cut: dict[int, int]


def encode_chunk(pipeline: Pipeline, suffix: str, rows: Sequence[Row]) -> EncodedChunk:
    """Predict a chunk of rows, and encode it for a file with that suffix. Raises UserError for an unsuitable row."""
    with counted_truncation() as count:
        answers = pipeline.answers([record for _, record in rows])
    pairs = zip((row for row, _ in rows), answers, strict=True)
    content = FORMATS[suffix](pipeline.objective).encode(pairs)
    return EncodedChunk(content, len(rows), checksum(rows), count.texts, dict(+count.cut))


def checksum(rows: Sequence[Row]) -> int:
    """A checksum (CRC-32) of rows, without their records."""
    return zlib.crc32(repr([row for row, _ in rows]).encode("utf-8", "surrogatepass"))
