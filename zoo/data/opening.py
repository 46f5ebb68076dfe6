"""From a spec to a dataset: which reader claims it, which splits are there, which are drawn."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from zoo.data.dataset import Dataset, View
from zoo.data.fields import check_columns
from zoo.readers import Reader
from zoo.readers._lines import check_exists
from zoo.readers._reader import SPLITS, UNNAMED, split_in
from zoo.runtime.errors import UserError, did_you_mean

ORDER = ("train", "validation", "test")


def open_dataset(spec, columns=None, seed=0, errors="strict", required=(), split_strategy="spread"):
    """Opens what `spec` names (see the top of `zoo.dataset`) and checks the first record of every split.

    `columns` maps standard fields to the source's own column names, `required` names the fields the caller cannot do
    without, `errors` is "strict" or "replace" for broken UTF-8. `split_strategy` tells how splits that are missing are drawn from
    the training records: "spread" over all of them, "end" from the end of a text that runs on, "" not at all: all
    records of a file that names no split are then "train". Raises UserError for everything that is wrong with the spec
    or the data.
    """
    columns = dict(columns or {})
    check_columns(columns)
    if errors not in ("strict", "replace"):
        raise UserError(f"Expected errors to be 'strict' or 'replace'. Received: errors={errors!r}.")
    place, split = _without_split(str(spec))
    sources = _parts(place, errors)
    dataset = Dataset(str(spec), _views(sources, split, split_strategy, place), columns, seed, errors, required, split_strategy)
    dataset.check()
    return dataset


def _without_split(spec):
    """("data.tsv", "dev") of "data.tsv#dev"; a file whose own name holds a # is left alone."""
    place, mark, split = spec.rpartition("#")
    return (place, split) if mark and place and not Path(spec).exists() else (spec, None)


def _parts(spec, errors):
    if Path(spec).is_dir():
        return _parts_of_folder(Path(spec), errors)
    reader = _reader_of(spec)
    if not reader:
        raise UserError(_unclaimed(spec))
    return reader.sources(spec, errors)


@cache
def readers():
    """One of each reader in `zoo.datasets`. Not by the catalog: reading data should need neither it nor Keras."""
    package = importlib.import_module("zoo.readers")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")
    modules = [importlib.import_module(f"zoo.readers.{name}") for name in names]
    return tuple(_reader_in(module)() for module in modules)


def _reader_in(module):
    own = (value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__)
    return next(value for value in own if isinstance(value, type) and issubclass(value, Reader))


def _unclaimed(spec):
    check_exists(spec)
    known = sorted(extension for reader in readers() for extension in reader.extensions)
    ending = Path(spec.removesuffix(".gz")).suffix
    return (
        f"Expected a file of a known format. Received: extension {ending!r} of {spec!r}.{did_you_mean(ending, known)} "
        f"Known: {', '.join(known)}, each also with .gz."
    )


def _parts_of_folder(folder, errors):
    found = {split: _file_of(split, folder) for split in ORDER}
    if not any(found.values()):
        names = sorted(path.name for path in folder.iterdir())
        raise UserError(
            f"Expected train, validation and test files (such as train.tsv) in the folder {folder}. "
            f"Received: {', '.join(names[:10]) or 'nothing'}.{_pair_in(folder, names)}"
        )
    return {split: _reader_of(path).source(path, errors) for split, path in found.items() if path}


def _pair_in(folder, names):
    """A hint where the files are those of parallel text, such as train.de and train.en."""
    endings = sorted({Path(name.removesuffix(".gz")).suffix for name in names if split_in(name) == "train"})
    if len(endings) != 2 or not all(endings):
        return ""
    one, other = (ending.removeprefix(".") for ending in endings)
    return f' For parallel text: "{folder}.{{{one},{other}}}", source first.'


def _file_of(split, folder):
    """The one file of a split; one called just "train.tsv" goes before others such as "train_more.tsv"."""
    files = sorted(path for path in folder.iterdir() if split_in(path.name) == split and _reader_of(path))
    exact = [path for path in files if path.name.lower().split(".")[0] in SPLITS]
    candidates = exact or files
    if len(candidates) > 1:
        names = ", ".join(path.name for path in candidates)
        raise UserError(f"Expected one file for the {split} split in {folder}. Received: {names}. Name one of them.")
    return candidates[0] if candidates else None


def _reader_of(path):
    return next((reader for reader in readers() if reader.handles(str(path))), None)


def _views(sources, split, split_strategy, spec):
    """The views by split, in order, drawn where need be; only the one asked for where `split` is given."""
    named = {SPLITS[name]: View(source) for name, source in sources.items() if name in SPLITS}
    if UNNAMED in sources:
        named = {"train": View(sources[UNNAMED])}
    views = _drawn(named) if split_strategy else named
    ordered = {name: views[name] for name in ORDER if name in views}
    return _picked(ordered, sources, split, spec) if split else ordered


def _drawn(views):
    if "train" not in views or "validation" in views:
        return views
    source = views["train"].source
    if "test" in views:
        return views | {"train": View(source, ("train", "test")), "validation": View(source, ("validation",))}
    return {role: View(source, (role,)) for role in ORDER}


def _picked(views, sources, split, spec):
    if SPLITS.get(split, split) in views:
        name = SPLITS.get(split, split)
        return {name: views[name]}
    if split in sources:  # one beyond the usual three, such as clinc_oos's test_oos
        return {_kind(split): View(sources[split])}
    known = [*views, *(name for name in sources if name and name not in SPLITS)]
    hint = did_you_mean(split, known)
    raise UserError(f"Unknown split of {spec}. Received: split={split!r}.{hint} Known: {', '.join(known)}.")


def _kind(split):
    """Which of the usual three a split such as "oos_val" or "validation_mismatched" is nearest to."""
    words = split.replace("-", "_").split("_")
    return next((SPLITS[word] for word in words if word in SPLITS), "test")
