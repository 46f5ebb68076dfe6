"""Workbooks of Excel (.xlsx, .xls, .xlsm, .xlsb) and OpenDocument (.ods), read with calamine.

`FILE.xlsx` is its first sheet, or, where sheets are called train, validation and test, these as splits;
`FILE.xlsx/SHEET` is one sheet. The first row that is not empty names the columns; columns without a name, and empty
rows, are left out. Whole numbers have no decimal point, dates are in ISO 8601. A sheet is held in memory.
"""

import io
import re
import zipfile
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
    calamine = import_optional("python_calamine", "tables", "Reading workbooks")
    with _opened(path) as file:
        _check_size(path, file)
        try:
            workbook = calamine.CalamineWorkbook.from_filelike(file)
        except (calamine.CalamineError, OSError, EOFError) as error:
            reason = single_line(str(error))[:200].rstrip(".")
            raise UserError(f"Expected a workbook. Received: {path}, which cannot be read ({reason}).") from error
    if not workbook.sheet_names:
        raise UserError(f"Expected a sheet in {path}. Received: none.")
    return workbook


def _opened(path) -> BinaryIO:
    """A workbook opened for reading bytes; a gzipped one is unpacked in memory, within a limit."""
    return io.BytesIO(read_bytes(path)) if str(path).lower().endswith(".gz") else open_binary(path)


def _check_size(path, file):
    """Raise UserError where the sheets of a workbook, a zip file, unpack to far more than its size."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        size = 0  # .xls is no zip file; calamine names what is wrong with others
    file.seek(0)
    most = max(MOST, MOST_RATIO * Path(path).stat().st_size)
    if size > most:
        raise too_large(path, most)


def _cell(value):
    """A cell as a string or number: workbooks hold every number as a float."""
    value = to_python(value)
    return int(value) if isinstance(value, float) and value.is_integer() else "" if value is None else value
