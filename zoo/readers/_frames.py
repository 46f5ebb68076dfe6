"""Data frames in memory, of pandas, polars, Arrow and other libraries, read with narwhals."""

from collections.abc import Iterator
from typing import Any

from zoo.readers._reader import Row
from zoo.readers._values import shortest_float, to_python
from zoo.runtime.errors import UserError, single_line


def is_frame(data: Any) -> bool:
    """Whether `data` is a data frame, or a table that offers Arrow's stream interface."""
    import narwhals

    return isinstance(_from_native(data), narwhals.DataFrame | narwhals.LazyFrame) or _is_arrow_stream(data)


def _is_arrow_stream(data):
    return hasattr(data, "__arrow_c_stream__") and hasattr(data, "schema")  # a column has the first alone


def _from_native(data) -> Any:
    """The frame of narwhals; `data` itself where it is none. Raises UserError where two columns have one name."""
    import narwhals

    try:
        return narwhals.from_native(data, pass_through=True)
    except narwhals.exceptions.DuplicateError as error:
        raise UserError(f"Expected different names of columns. Received: {single_line(str(error))}.") from error


def to_frame(data: Any) -> Any:
    """The narwhals data frame of a data frame; a lazy one is collected."""
    import narwhals

    frame = _from_native(data)
    if isinstance(frame, narwhals.LazyFrame):
        return frame.collect()
    return frame if isinstance(frame, narwhals.DataFrame) else narwhals.from_arrow(data, backend="pyarrow")


def rows_of_frame(frame: Any) -> Iterator[Row]:
    """Yield the rows of a narwhals data frame; missing cells are None."""
    converters = [
        (str(name), shortest_float if str(dtype) == "Float32" else to_python) for name, dtype in frame.schema.items()
    ]
    for row in frame.iter_rows():
        yield {name: convert(value) for (name, convert), value in zip(converters, row, strict=True)}
