"""Workbooks of Excel (.xlsx, .xls, .xlsm, .xlsb) and OpenDocument (.ods), read with calamine.

`FILE.xlsx` is its first sheet, or, where sheets are called train, validation and test, these as splits;
`FILE.xlsx/SHEET` is one sheet. The first row that is not empty names the columns; columns without a name, and empty
rows, are left out. Whole numbers have no decimal point, dates are in ISO 8601. A sheet is held in memory.
"""

import io
import re
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zoo.readers._arrow_files import open_binary
from zoo.readers._lines import read_bytes, too_large
from zoo.readers._reader import SPLITS, Source, digest_files, split_in
from zoo.readers._tables import TableReader
from zoo.readers._values import to_python
from zoo.runtime.errors import UserError, did_you_mean, single_line
from zoo.runtime.optional import import_optional

EXTENSIONS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
ENDINGS = "|".join(extension.removeprefix(".") for extension in EXTENSIONS)
MOST = 2**28  # bytes of an unpacked workbook; or, of a large one,
MOST_RATIO = 100  # times its size: XML of sheets is packed to a thirtieth at best
MOST_CELLS = 2**25  # of the rectangle that calamine holds: 1 GB
CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
FAR_CELL = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]{2,3}[0-9]{1,7}["']""")
BLOCK, LONGEST = 2**22, 200  # bytes of a sheet read at a time, and of the beginning of a cell
SHEET = re.compile(rf"(.+\.(?:{ENDINGS})(?:\.gz)?)/([^/]+)", re.IGNORECASE)  # no name of a sheet has a slash


class Xlsx(TableReader):
    """Read workbooks; a location is FILE:ROW, as Excel numbers its rows."""

    extensions = EXTENSIONS

    def handles(self, spec):
        return super().handles(_without_sheet(spec)[0])

    def sources(self, spec, errors):
        path, sheet = _without_sheet(spec)
        names = _open(path).sheet_names
        if sheet and sheet not in names:
            hint = did_you_mean(sheet, names)
            raise UserError(f"Unknown sheet of {path}. Received: {sheet!r}.{hint} Known: {', '.join(names)}.")
        splits = () if sheet else [name for name in names if name.lower() in SPLITS]
        if splits:
            return {name.lower(): self._sheet(f"{path}/{name}", errors) for name in splits}
        return {split_in(Path(path).name): self._sheet(spec, errors)}

    def source(self, path, errors):
        return self._sheet(str(path), errors)

    def _sheet(self, spec, errors):
        path, sheet = _without_sheet(spec)
        return Source(spec, lambda: self.rows(spec, errors), lambda: f"{digest_files(path)}#{sheet}")

    def cells(self, path, errors):
        spec, sheet_name = _without_sheet(str(path))
        workbook = _open(spec)
        with _refuse_damaged(spec):
            sheet = workbook.get_sheet_by_name(sheet_name or workbook.sheet_names[0])
        columns: list[int] = []  # those that have a name
        for number, row in enumerate(sheet.to_python(skip_empty_area=False), start=1):
            row = [_cell(value) for value in row]
            columns = columns or [column for column, name in enumerate(row) if name != ""]
            row = [row[column] for column in columns]
            if any(cell != "" for cell in row):
                yield number, row


def _without_sheet(spec):
    """("a.xlsx", "Sheet2") of "a.xlsx/Sheet2"; ("a.xlsx", "") of "a.xlsx"."""
    match = SHEET.fullmatch(spec)
    return (match[1], match[2]) if match and not Path(spec).exists() else (spec, "")


def _open(path):
    """The workbook. Raises UserError where it is missing, damaged, locked by a password or has no sheet."""
    calamine = _import_calamine()
    with _opened(path) as file, _refuse_damaged(path):
        _check_size(path, file)
        workbook = calamine.CalamineWorkbook.from_filelike(file)
    if not workbook.sheet_names:
        raise UserError(f"Expected a sheet in {path}. Received: none.")
    return workbook


def _import_calamine():
    return import_optional("python_calamine", "tables", "Reading workbooks")


@contextmanager
def _refuse_damaged(path):
    """Raise UserError, with the reason, where calamine cannot read the workbook at `path`."""
    try:
        yield
    except (_import_calamine().CalamineError, OSError, EOFError) as error:
        reason = single_line(str(error))[:200].rstrip(".")
        raise UserError(f"Expected a workbook. Received: {path}, which cannot be read ({reason}).") from error


def _opened(path) -> BinaryIO:
    """A workbook opened for reading bytes; a gzipped one is unpacked in memory, within a limit."""
    return io.BytesIO(read_bytes(path)) if str(path).lower().endswith(".gz") else open_binary(path)


def _check_size(path, file):
    """Raise UserError where a workbook, a zip file, unpacks to far more than its size, or has far cells."""
    size, most = 0, max(MOST, MOST_RATIO * Path(path).stat().st_size)
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size <= most:
                _check_extents(path, archive)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, ValueError, NotImplementedError) as error:
        if isinstance(error, UserError):
            raise
        # .xls is no zip file; calamine names what is wrong with others
    file.seek(0)
    if size > most:
        raise too_large(path, most)


def _check_extents(path, archive):
    """Raise UserError where the rectangle of a sheet, of which calamine holds each cell, is nearly empty and huge."""
    for name in archive.namelist():
        if name.lower().endswith(".xml") and any(_matches(archive, name, FAR_CELL)):  # column 27 or later
            count, columns, rows = 0, {b""}, {b"0"}
            for cells in _matches(archive, name, CELL):
                count += len(cells)
                columns |= {column.upper() for column, _ in cells}
                rows |= {row for _, row in cells}
            column, row = max(columns, key=lambda letters: (len(letters), letters)), max(map(int, rows))
            width = sum((letter - 64) * 26**power for power, letter in enumerate(reversed(column)))
            if row * width > max(MOST_CELLS, 4 * count):
                raise UserError(
                    f"Expected a sheet without cells far from its table in {path}. Received: {count:,} cells, up to "
                    f"{column.decode()}{row}. Delete the rows and columns outside of the table."
                )


def _matches(archive, name, pattern):
    """Yield lists of the matches of a pattern in a file of an archive, block by block; some come twice."""
    with archive.open(name) as file:
        text = b""
        while block := file.read(BLOCK):
            text = text[-LONGEST:] + block
            yield pattern.findall(text)


def _cell(value):
    """A cell as a string or number: workbooks hold every number as a float."""
    value = to_python(value)
    return int(value) if isinstance(value, float) and value.is_integer() else "" if value is None else value
