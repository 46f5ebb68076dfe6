"""Read-ahead buffer: the rows that a check of a source has read are not parsed again by the next pass."""

from collections.abc import Generator, Iterator
from functools import cached_property

from zoo.readers import Source
from zoo.readers._reader import Row
from zoo.runtime.errors import RowError

MOST = 1000  # rows in the buffer; beyond that the next pass reads the source from its start


class ReadAhead:
    """A source with a buffer of the rows that `ahead` has read."""

    def __init__(self, source: Source):
        self.source = source
        self._buffer: list[tuple[str, Row | RowError]] = []
        self._iterator: Iterator[tuple[str, Row | RowError]] | None = None  # after the buffer

    def ahead(self) -> Generator[tuple[str, Row | RowError]]:
        """Yield (location, row) from the first row on; the rows stay in the buffer for the next call of `rows`."""
        self._iterator = self._iterator or self.source.rows()
        index = 0
        while True:
            if index == len(self._buffer) and not self._read_row():
                return
            yield self._buffer[index]
            index += 1
            if index > MOST:
                yield from self._take()[1] or ()
                return

    def _read_row(self):
        """Read the next row into the buffer; whether the source had one."""
        try:
            row = next(self._iterator or iter(()), None)
        except BaseException:
            self._take()
            raise
        if row is not None:
            self._buffer.append(row)
        return row is not None

    def rows(self) -> Iterator[tuple[str, Row | RowError]]:
        """Yield (location, row) of all rows."""
        buffer, iterator = self._take()
        if iterator is None:
            yield from self.source.rows()
        else:
            yield from buffer
            yield from iterator

    def _take(self):
        """The buffer and the iterator, both reset."""
        buffer, iterator = self._buffer, self._iterator
        self._buffer, self._iterator = [], None
        return buffer, iterator

    def count(self) -> int:
        """The number of rows."""
        return self._count

    @cached_property
    def _count(self):
        return self.source.count() if self.source.count else sum(1 for _ in self.source.rows())

    def digest(self) -> str:
        """The source's hash of its content, computed at the first call."""
        return self._digest

    @cached_property
    def _digest(self):
        return self.source.digest()
