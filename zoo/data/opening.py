"""Open a dataset spec: find its reader and its splits, and derive missing splits."""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.data.dataset import Dataset, View
from zoo.data.fields import check_columns, columns_of, known_columns
from zoo.data.span_annotations import annotation_columns
from zoo.readers import Reader
from zoo.readers._lines import check_exists
from zoo.readers._reader import REGISTERED, SPLITS, UNNAMED, Row, split_in
from zoo.readers.memory import DataInMemory, to_spec
from zoo.runtime.errors import RowError, UserError, did_you_mean
from zoo.runtime.plugins import load_plugins

ORDER = ("train", "validation", "test")


def open_dataset(
    spec: str | Path | DataInMemory,
    columns: Mapping[str, str] | None = None,
    seed: int = 0,
    errors: str = "strict",
    required: Collection[str] = (),
    split_strategy: str = "spread",
    optional: Collection[str] | None = None,
    skip_invalid: bool = False,
    check: Callable[[str, dict], None] | None = None,
) -> Dataset:
    """Open the dataset that `spec` names (see the docstring of `zoo.data`) and check the first record of every split.

    Args:
        spec: a name or path, or data in memory: see `zoo.readers.memory`.
        columns: {standard field: the source's own name of its column}.
        seed: the seed of derived splits.
        errors: "strict" or "replace", for broken UTF-8.
        required: standard fields that every record must have.
        split_strategy: how a missing validation split, and a test split with it, are split off from the training
            records: "spread" over all of them, "end" from the end of running text, "" not at all. With "" all records
            of a file without a split's name are "train".
        optional: the further fields that records may have; None: all.
        skip_invalid: leave out rows that cannot be used; a message for each split counts them by reason.
        check: function of (location, record) that raises `RowError` for a record that cannot be used.

    >>> dataset = zoo.open_dataset("sample:helpdesk")
    >>> dataset.splits
    ('train', 'validation', 'test')
    >>> next(iter(dataset.records("test")))["label"]
    'defect'

    Raises UserError for whatever is wrong with the spec or the data.
    """
    columns = {field: str(column) for field, column in (columns or {}).items()}
    check_columns(columns)
    if errors not in ("strict", "replace"):
        raise UserError(f"Expected errors to be 'strict' or 'replace'. Received: errors={errors!r}.")
    spec = to_spec(spec)
    name, split = without_split(spec)
    views = _views(_sources(name, errors), split, split_strategy, name)
    dataset = Dataset(str(spec), views, columns, seed, errors, required, split_strategy, optional, skip_invalid, check)
    dataset.check()
    return dataset


def first_row(spec: str | Path | DataInMemory, errors: str = "strict") -> Row:
    """The first row of a dataset, with the source's own columns; {} for an empty one. Raises UserError, as opening."""
    return next(iter(first_rows(spec, errors, 1)), {})


def first_rows(spec: str | Path | DataInMemory, errors: str = "strict", count: int = 200) -> list[Row]:
    """At most `count` rows from the beginning of a dataset, with the source's own columns."""
    return _rows_of_source(_first_source(spec, errors), count)


def first_rows_and_names(
    spec: str | Path | DataInMemory, errors: str = "strict", count: int = 500
) -> tuple[list[Row], dict[str, str]]:
    """`(rows, names)`: `first_rows`, and {standard field: column} of the columns that are known without the user.

    Raises UserError where there are no rows.
    """
    source = _first_source(spec, errors)
    rows = _rows_of_source(source, count)
    if not rows:
        raise UserError(f"Expected records in {spec}. Received: an empty file, or one with nothing but a header.")
    return rows, dict(annotation_columns(known_columns(columns_of({}, source.columns), rows[0]), rows[0]))


def _first_source(spec, errors):
    name, split = without_split(to_spec(spec))
    return next(iter(_views(_sources(name, errors), split, "", name).values())).source


def _rows_of_source(source, count):
    rows: Any = source.rows()
    with closing(rows):
        return list(islice((row for _, row in rows if not isinstance(row, RowError)), count))


def without_split(spec: str) -> tuple[str, str | None]:
    """("data.tsv", "dev") of "data.tsv#dev"; a file whose own name holds a # keeps it."""
    name, mark, split = spec.rpartition("#")
    return (name, split) if mark and name and not Path(spec).exists() else (spec, None)


def _sources(spec, errors):
    if Path(spec).is_dir():
        return _sources_of_folder(Path(spec), errors)
    reader = _reader_for(spec)
    if not reader:
        raise UserError(_unknown_format(spec))
    return reader.sources(spec, errors)


def readers() -> tuple[Reader, ...]:
    """An instance of each reader: the registered ones, then those of `zoo.readers`.

    Not by the catalog: reading data needs neither the catalog nor Keras.
    """
    load_plugins()
    return (*(reader() for reader in REGISTERED.values()), *_own_readers())


@cache
def _own_readers():
    package = importlib.import_module("zoo.readers")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")
    modules = [importlib.import_module(f"zoo.readers.{name}") for name in names]
    return tuple(_reader_in(module)() for module in modules)


def _reader_in(module):
    values = (value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__)
    return next(value for value in values if isinstance(value, type) and issubclass(value, Reader))


def _unknown_format(spec):
    check_exists(spec)
    known = sorted(extension for reader in readers() for extension in reader.extensions)
    ending = Path(spec.removesuffix(".gz")).suffix
    return (
        f"Expected a file of a known format. Received: extension {ending!r} of {spec!r}.{did_you_mean(ending, known)} "
        f"Known: {', '.join(known)}, each also with .gz."
    )


def _sources_of_folder(folder, errors):
    files = {split: path for split in ORDER if (path := _file_of(split, folder))}
    reader = None if files else _reader_for(folder)
    if reader:
        return reader.sources(str(folder), errors)
    if not files:
        names = sorted(path.name for path in folder.iterdir())
        raise UserError(
            f"Expected train, validation and test files (such as train.tsv), or a folder of texts for each class, in "
            f"the folder {folder}. "
            f"Received: {', '.join(names[:10]) or 'nothing'}.{_parallel_hint(folder, names)}"
        )
    return {split: _reader_for(path).source(path, errors) for split, path in files.items()}


def _parallel_hint(folder, names):
    """A hint where the files are those of parallel text, such as train.de and train.en."""
    endings = sorted({Path(name.removesuffix(".gz")).suffix for name in names if split_in(name) == "train"})
    if len(endings) != 2 or not all(endings):
        return ""
    source, target = (ending.removeprefix(".") for ending in endings)
    return f' For parallel text: "{folder}.{{{source},{target}}}", source first.'


def _file_of(split, folder):
    """The one file, or folder, of a split; one called just "train.tsv" goes before others such as "train_more.tsv"."""
    files = sorted(path for path in folder.iterdir() if split_in(path.name) == split and _reader_for(path))
    exact = [path for path in files if path.name.lower().split(".")[0] in SPLITS]
    candidates = exact or files
    if len(candidates) > 1:
        names = ", ".join(path.name for path in candidates)
        hint = f"hf:{folder} reads all of them." if "-of-" in names else "Name one of them."
        raise UserError(f"Expected one file for the {split} split in {folder}. Received: {names}. {hint}")
    return candidates[0] if candidates else None


def _reader_for(path) -> Any:
    return next((reader for reader in readers() if reader.handles(str(path))), None)


def _views(sources, split, split_strategy, spec) -> dict[str, View]:
    """The views by split, in order, with derived splits where some are missing; of `split` alone, if it is set."""
    views: dict = {SPLITS[name]: View(source) for name, source in sources.items() if name in SPLITS}
    if UNNAMED in sources:
        views = {"train": View(sources[UNNAMED])}
    views = _with_derived_splits(views) if split_strategy else views
    ordered: dict[str, View] = {name: views[name] for name in ORDER if name in views}
    return _select_split(ordered, sources, split, spec) if split else ordered


def _with_derived_splits(views) -> dict[str, View]:
    if "train" not in views or "validation" in views:
        return views
    source = views["train"].source
    if "test" in views:
        return views | {"train": View(source, ("train", "test")), "validation": View(source, ("validation",))}
    return {split: View(source, (split,)) for split in ORDER}


def _select_split(views: dict[str, View], sources, split: str, spec) -> dict[str, View]:
    if SPLITS.get(split, split) in views:
        name = SPLITS.get(split, split)
        return {name: views[name]}
    if split in sources:  # one beyond the usual three, such as clinc_oos's test_oos
        return {_usual_split(split): View(sources[split])}
    known = [*views, *(name for name in sources if name and name not in SPLITS)]
    hint = did_you_mean(split, known)
    raise UserError(f"Unknown split of {spec}. Received: split={split!r}.{hint} Known: {', '.join(known)}.")


def _usual_split(split) -> str:
    """Which of the usual three a split such as "oos_val" or "validation_mismatched" is nearest to."""
    words = split.replace("-", "_").split("_")
    return next((SPLITS[word] for word in words if word in SPLITS), "test")
