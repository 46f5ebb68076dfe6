"""Data in memory: data frames, lists of dicts, columns as lists, datasets of Hugging Face, and dicts of splits of them.

`zoo.open_dataset`, `zoo.train(data=...)` and a pipeline's `evaluate` and `predict` take

    a data frame                of pandas, polars, Arrow and every other library that narwhals knows
    a list of rows              dicts {column: value}, pairs (text, label), or texts; any iterable of rows will do
    a dict of columns           {"text": [...], "label": [...]}
    a dataset                   datasets.Dataset or IterableDataset, with class names for class numbers; tf.data.Dataset
    a dict of splits            {"train": ..., "validation": ..., "test": ...} of any of these; datasets.DatasetDict

A model that was trained on it has the spec `memory:` with a fingerprint, by which a run is resumed with the same data.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from zoo.readers import Reader
from zoo.readers._features import BATCH, columns_of_features, rows_of_tables
from zoo.readers._frames import is_frame, rows_of_frame, to_frame
from zoo.readers._reader import SPLITS, UNNAMED, Row, Source
from zoo.readers._values import digest_rows, to_python
from zoo.runtime.errors import UserError, did_you_mean, shorten

SCHEME = "memory:"
FORMS = "a data frame, a list of dicts, a dict of columns, a dataset, or a dict of splits of these"


class ArrowStream(Protocol):
    """A table that other libraries can read by Arrow's PyCapsule interface, such as a data frame."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


DataInMemory = Mapping[str, Any] | Iterable[Any] | ArrowStream


class MemorySpec(str):
    """The spec of data in memory, which it carries: it is equal to its text, and JSON holds the text alone."""

    tables: dict[str, Source]


class InMemoryData(Reader):
    """Read the data that a `MemorySpec` carries."""

    def handles(self, spec):
        return spec.startswith(SCHEME)

    def sources(self, spec, errors):
        if not isinstance(spec, MemorySpec):
            raise UserError(
                f"Data in memory, which this model was trained on, is not saved: give data=... (--data FILE). "
                f"Received: {spec!r}."
            )
        return spec.tables


def to_spec(data: str | Path | DataInMemory | None, fingerprint: bool = False) -> str:
    """The dataset spec of `data`: its own text, or a `MemorySpec`; "" for None.

    Args:
        fingerprint: whether the spec of data in memory holds a hash of its content, which reads all of it.

    Raises UserError for an object that is no data.
    """
    if data is None or isinstance(data, str | Path):
        return data if isinstance(data, str) else str(data or "")
    tables = _tables(data)
    digests = [(name, source.digest()) for name, source in tables.items()] if fingerprint else ()
    spec = MemorySpec(SCHEME + (digest_rows([("", {"splits": digests})])[:16] if fingerprint else "data"))
    spec.tables = tables
    return spec


def is_record(data: Any) -> bool:
    """Whether `data` is one record, a dict of strings."""
    return isinstance(data, Mapping) and bool(data) and all(isinstance(value, str) for value in data.values())


def is_table(data: Any) -> bool:
    """Whether `data` is rows with columns, or splits of them: no text, and no list of texts."""
    if isinstance(data, Mapping) or _is_dataset(data):
        return True
    if isinstance(data, list | tuple):
        return bool(data) and isinstance(data[0], Mapping)
    return not isinstance(data, str) and is_frame(data)


def _tables(data) -> dict[str, Source]:
    if not (isinstance(data, Mapping) and _holds_splits(data)):
        return {UNNAMED: _source(data, "data")}
    known = [name for name in data if name in SPLITS]
    for name in data:
        if name not in SPLITS and not _is_dataset(data[name]):
            hint = did_you_mean(name, SPLITS)
            raise UserError(f"Expected splits called train, validation and test. Received: {name!r}.{hint}")
    if len({SPLITS[name] for name in known}) < max(len(known), 1):
        raise UserError(f"Expected one train, validation and test split each. Received: {', '.join(data)}.")
    return {name: _source(table, f"data[{name!r}]") for name, table in data.items()}


def _holds_splits(data):
    """Whether a dict holds splits, rather than columns."""
    return bool(data) and (all(name in SPLITS for name in data) or all(is_table(value) for value in data.values()))


def _source(data, name) -> Source:
    """The source of one table, which messages call `name`."""
    if _is_dataset(data):
        return _dataset_source(data, name)
    if isinstance(data, Mapping):
        return _columns_source(data, name)
    if not isinstance(data, str | list | tuple) and is_frame(data):
        frame = to_frame(data)
        return _numbered(lambda: rows_of_frame(frame), f"row {{}} of {name} (from 0)", name, lambda: len(frame))
    return _list_source(data, name)


def _columns_source(data, name):
    columns = _columns(data, name)

    def rows():
        return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))

    return _numbered(rows, f"row {{}} of {name} (from 0)", name)


def _numbered(rows: Callable[[], Iterator[Row]], location: str, name: str, count=None, columns=None) -> Source:
    def located():
        number = None
        for number, row in enumerate(rows()):
            yield location.format(number), row
        if number is None:
            raise UserError(f"Expected rows in {name}. Received: none.")

    return Source(name, located, cache(lambda: digest_rows(located())), columns or {}, count)


def _list_source(data, name):
    if isinstance(data, str | bytes) or not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        raise UserError(f"Expected {FORMS} as {name}. Received: {type(data).__name__} {shorten(data)}.")
    rows = list(data) if isinstance(data, Iterator) else data
    iterate = getattr(rows, "as_numpy_iterator", lambda: iter(rows))  # of a tf.data.Dataset
    count = (lambda: len(rows)) if isinstance(rows, list | tuple) else None
    location = f"{name}[{{}}]"
    return _numbered(
        lambda: (_row(row, location.format(number)) for number, row in enumerate(iterate())), location, name, count
    )


def _row(value, location) -> Row:
    value = _python_value(value, location)
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and len(value) == 2:
        return {"text": value[0], "label": value[1]}
    raise UserError(f"Expected a dict of columns, a text or (text, label) at {location}. Received: {shorten(value)}.")


def _columns(data, name):
    """{column: list of cells}. Raises UserError where a column is no list, or they differ in length."""
    columns = {str(column): _python_value(values, f"{name}[{column!r}]") for column, values in data.items()}
    for column, values in columns.items():
        if not isinstance(values, list):
            raise UserError(f"Expected {FORMS} as {name}. Received: {column!r}: {shorten(values)}, which is no list.")
    sizes = {column: len(values) for column, values in columns.items()}
    if len(set(sizes.values())) > 1:
        raise UserError(f"Expected columns of one length in {name}. Received: {sizes}.")
    return columns


def _python_value(value, location):
    try:
        return to_python(value)
    except RecursionError as error:
        raise UserError(f"Expected lists and dicts of less depth at {location}. Received: {shorten(value)}.") from error


def _is_dataset(data):
    """Whether `data` is a dataset of the library datasets, or a dict of them; the library is not imported for it."""
    library = sys.modules.get("datasets")
    types = [getattr(library, name, None) for name in ("Dataset", "IterableDataset")]
    return isinstance(data, tuple(kind for kind in types if isinstance(kind, type)))


def _dataset_source(data, name):
    features = data.features.to_dict() if data.features else {}
    arrow = data.with_format("arrow")
    count = (lambda: len(data)) if hasattr(data, "__len__") else None
    return _numbered(
        lambda: rows_of_tables(arrow.iter(BATCH), features),
        f"{name}[{{}}]",
        name,
        count,
        columns_of_features(features),
    )
