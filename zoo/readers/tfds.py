"""TFDS, TensorFlow Datasets (https://www.tensorflow.org/datasets): feature names mapped to standard fields.

`tfds:NAME`, `tfds:NAME/CONFIG` or `tfds:NAME:VERSION` reads from TFDS's own folder (TFDS_DATA_DIR, or
~/tensorflow_datasets) and downloads and prepares a missing dataset there. Class numbers become class names. Rows
without a class, and GLUE's test splits, whose classes are secret, are left out. A split beyond the usual three, such as
`tfds:clinc_oos#test_oos`, is read only by its name. In translations, source and target are the languages in the data
set's own order, unless --columns source=de,target=en maps them. In wiki40b, marks such as _START_PARAGRAPH_ become line
breaks.
"""

import contextlib
import logging
import os
import sys
from functools import cache

from zoo.readers import Reader
from zoo.readers._reader import Source
from zoo.runtime.console import silence
from zoo.runtime.errors import UserError, did_you_mean

SCHEME = "tfds:"

# Features whose names are not the standard ones, by data set.
COLUMNS = {
    "ag_news_subset": {"text": "description"},
    "clinc_oos": {"label": "intent_name"},
    "conll2003": {"tags": "ner"},
    "natural_instructions": {"instruction": "definition", "source": "input", "target": "output"},
    "sentiment140": {"label": "polarity"},
    "trec": {"label": "label-coarse"},
}

# The features of `text` and `text_pair` in a data set without `text`: the first entry whose features it has.
TEXTS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("sentence",),
)
MARKS = {  # of wiki40b's texts, https://aclanthology.org/2020.lrec-1.297
    "_START_ARTICLE_\n": "",
    "_START_SECTION_\n": "\n",
    "_START_PARAGRAPH_\n": "",
    "_NEWLINE_": "\n",
}
SECRET_TESTS = ("glue", "super_glue")  # their test labels are all -1
MATCHED = "validation_matched"  # the validation split of MultiNLI that is like its training split
RETRIES = 4  # of a download; the library's own ten take over three minutes to say that there is no network
UNLABELLED = "unsupervised"  # imdb_reviews' split without classes


class TensorFlowDatasets(Reader):
    """Read tfds:NAME with the official library, which prepares it first if necessary."""

    def handles(self, spec):
        return spec.startswith(SCHEME)

    def sources(self, spec, errors):
        builder = _prepared_builder(spec)
        return {_common_name(split): _source(builder, split, spec) for split in _splits(builder)}


def _common_name(split):
    return "validation" if split == MATCHED else split


def _splits(builder):
    secret = builder.name in SECRET_TESTS and len(builder.info.splits) > 1
    return [split for split in builder.info.splits if not (secret and split.startswith("test"))]


def _source(builder, split, spec):
    identity = f"{builder.info.full_name}#{split}"  # name, config and version
    return Source(
        f"{spec}#{split}",
        rows=lambda: _rows(builder, split, spec),
        digest=lambda: identity,
        columns=_columns(builder),
        count=_count(builder, split),
    )


def _count(builder, split):
    """A function that counts the rows of a split; None where rows without a class are left out."""
    if any(hasattr(feature, "int2str") for feature in builder.info.features.values()):
        return None
    return lambda: builder.info.splits[split].num_examples


def _columns(builder) -> dict[str, str]:
    features = builder.info.features
    if isinstance(features, _library().features.Translation):
        return dict(zip(["source", "target"], builder.info.supervised_keys, strict=True))
    texts = () if "text" in features else next((t for t in TEXTS if all(name in features for name in t)), ())
    return dict(zip(("text", "text_pair"), texts, strict=False)) | COLUMNS.get(builder.name, {})


def _rows(builder, split, spec):
    tfds = _library()
    read_config = tfds.ReadConfig(try_autocache=False)  # TFDS caches small datasets in memory otherwise
    records = tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False, read_config=read_config))
    for number, record in enumerate(records, start=1):
        row = {name: _to_python(record[name], feature) for name, feature in builder.info.features.items()}
        if builder.name == "wiki40b":
            row["text"] = _replace_marks(row["text"])
        if None not in row.values() or split == UNLABELLED:
            yield f"{spec}#{split} record {number}", row


def _to_python(value, feature):
    """A feature's value in Python's types; None for an unknown class."""
    if isinstance(value, dict):
        inner = getattr(feature, "feature", feature)  # of a Sequence: its features; each value is then an array
        return {name: _to_python(item, inner[name]) for name, item in value.items()}
    if getattr(value, "ndim", 0):
        return [_to_python(item, getattr(feature, "feature", feature)) for item in value]
    if hasattr(feature, "int2str"):
        return feature.int2str(int(value)) if value >= 0 else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    # The shortest decimal of a float32: 3.8, where float(value) is 3.799999952316284.
    return float(str(value)) if value.dtype.kind == "f" else value.item()


def _replace_marks(text):
    for mark, replacement in MARKS.items():
        text = text.replace(mark, replacement)
    return text.strip()


@cache
def _library():
    """The library, with TensorFlow's GPU memory growth on, to leave the GPU's memory to the backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no start-up lines of TensorFlow
    try:
        with silence():
            import tensorflow as tf
            import tensorflow_datasets as tfds
    except ImportError as error:
        raise UserError(
            f"Expected TensorFlow and TFDS to be installed ({error}). "
            "Do: pip install tensorflow tensorflow-datasets importlib_resources"
        ) from error
    with silence(), contextlib.suppress(RuntimeError):  # TensorFlow is initialised already: it is the backend
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    return tfds


def _prepared_builder(spec):
    builder = _builder(spec)
    _limit_retries()
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # each retry is a warning there
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:  # each dataset raises its own exceptions
        raise UserError(
            f"Expected to download and prepare {spec}, or to find it in {builder.data_dir}. "
            f"Received: {type(error).__name__}: {_first_line(error)}. Without a network, prepare it on "
            "another machine and copy that folder, or set TFDS_DATA_DIR to it."
        ) from error
    return builder


def _limit_retries():
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = RETRIES


def _builder(spec):
    tfds = _library()
    name = spec.removeprefix(SCHEME)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError) as error:
        raise UserError(_unknown(name, tfds, error)) from error


def _unknown(name, tfds, error):
    family, _, config = name.partition("/")
    known = tfds.list_builders()
    if family not in known:
        return (
            f"Unknown TensorFlow Dataset. Received: {family!r}.{did_you_mean(family, known)} "
            "All names: https://www.tensorflow.org/datasets/catalog/overview"
        )
    configs = sorted(tfds.builder_cls(family).builder_configs)
    hint = did_you_mean(config, configs)
    return f"Cannot open tfds:{name}: {_first_line(error)}.{hint} Its configs: {', '.join(configs) or 'none'}."


def _first_line(error):
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else "no message"
