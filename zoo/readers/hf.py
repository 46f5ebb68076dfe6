"""Hugging Face datasets, of the Hub and in folders, read with the library (https://huggingface.co/docs/datasets).

`hf:OWNER/NAME`, `hf:NAME/CONFIG` and `hf:OWNER/NAME/CONFIG` are downloaded into the library's cache, once; `hf:FOLDER`
is whatever `datasets.load_dataset` reads there. A folder that `save_to_disk` wrote needs no `hf:`. Class numbers become
class names; of translations, source and target are the languages in the data set's own order. In `hf:` data, rows
without a class are left out, and so are splits in which no row has one, such as GLUE's test splits.
"""

import hashlib
from pathlib import Path

from zoo.readers import Reader
from zoo.readers._features import BATCH, class_features, columns_of_features, rows_of_tables
from zoo.readers._reader import UNNAMED, Source, digest_files, split_in
from zoo.runtime.errors import UserError, single_line
from zoo.runtime.optional import import_optional

SCHEME = "hf:"
SAVED = (("dataset_dict.json",), ("dataset_info.json", "state.json"))  # files of `save_to_disk`: of splits, of one


class HuggingFaceDatasets(Reader):
    """Read hf:NAME, or a folder that `save_to_disk` wrote."""

    def handles(self, spec):
        return spec.startswith(SCHEME) or _is_saved(Path(spec))

    def sources(self, spec, errors):
        folder = Path(spec.removeprefix(SCHEME))
        splits = _load_saved(folder) if _is_saved(folder) else _load(spec)
        if UNNAMED in splits:
            return {split_in(folder.name): _source(splits[UNNAMED], spec)}
        labelled = {name: dataset for name, dataset in splits.items() if _has_classes(dataset)} or splits
        return {name: _source(dataset, f"{spec}#{name}", name in labelled) for name, dataset in labelled.items()}

    def source(self, path, errors):
        return _source(_load_saved(Path(path))[UNNAMED], str(path))


def _is_saved(folder):
    return any(all((folder / name).is_file() for name in names) for names in SAVED)


def _library():
    return import_optional("datasets", "hf", "Reading data sets of Hugging Face")


def _load_saved(folder):
    """{split: dataset} of a folder that `save_to_disk` wrote; `UNNAMED` where it holds one dataset."""
    library = _library()
    try:
        loaded = library.load_from_disk(str(folder))
    except Exception as error:  # a damaged file raises what the parser of its format raises
        raise UserError(f"Cannot read the dataset in {folder}: {_reason(error)}.") from error
    return dict(loaded) if isinstance(loaded, library.DatasetDict) else {UNNAMED: loaded}


def _load(spec):
    """{split: dataset} of hf:NAME. Raises UserError where it cannot be loaded."""
    library = _library()
    names = _candidates(spec.removeprefix(SCHEME))
    for number, (name, config) in enumerate(names, start=1):
        try:
            return dict(library.load_dataset(name, config or None))
        except Exception as error:  # each data set raises its own exceptions
            if isinstance(error, library.exceptions.DatasetNotFoundError) and number < len(names):
                continue
            raise UserError(
                f"Expected hf:OWNER/NAME, hf:OWNER/NAME/CONFIG or hf:FOLDER, with a data set that can be loaded. "
                f"Received: {spec!r} ({_reason(error)})."
            ) from error
    raise AssertionError(spec)


def _candidates(name):
    """What a name may mean: a list of (path or name on the Hub, config)."""
    start, _, end = name.rpartition("/")
    if Path(name).exists():
        return [(name, "")]
    if Path(start).is_dir() and start:
        return [(start, end)]
    return [(name, ""), (start, end)] if name.count("/") == 1 else [(start, end)] if start else [(name, "")]


def _reason(error):
    return f"{type(error).__name__}: {single_line(str(error))[:300].rstrip('.')}"


def _features(dataset):
    return dataset.features.to_dict()


def _has_classes(dataset):
    """Whether each column of classes has a class in some row."""
    return all(
        any(value is not None and value >= 0 for value in dataset[name]) for name in class_features(_features(dataset))
    )


def _source(dataset, description, only_labelled=False):
    features = _features(dataset)
    classes = class_features(features) if only_labelled else ()

    def rows():
        for number, row in enumerate(rows_of_tables(dataset.with_format("arrow").iter(BATCH), features), start=1):
            if not any(row[name] is None for name in classes):
                yield f"{description} record {number}", row

    count = None if classes else lambda: len(dataset)
    return Source(description, rows, lambda: _digest(dataset), columns_of_features(features), count)


def _digest(dataset):
    """A hash of the Arrow files and features of a dataset as it was loaded."""
    files = digest_files(*(file["filename"] for file in dataset.cache_files))
    return hashlib.sha256(f"{files}\n{dataset.features}".encode()).hexdigest()
