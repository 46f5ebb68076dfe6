"""Features of Hugging Face datasets, as JSON: class numbers to class names, and columns of the standard fields.

`datasets` writes them into the metadata of the Parquet and Arrow files that it saves, so they are read without it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.readers._reader import Row
from zoo.readers._values import shortest_float, to_python
from zoo.readers.tfds import TEXTS

LISTS = ("List", "LargeList", "Sequence")  # types of features
BATCH = 1000  # rows that are converted to Python at a time

Features = Mapping[str, Any]  # column -> its feature: a dict with "_type", or a dict of features


def features_of_schema(schema: Any) -> Features:
    """The features in the metadata of an Arrow schema that have a known form; {} where `datasets` wrote none."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in features.items() if _is_feature(feature)}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}


def _is_feature(feature):
    """Whether a value of JSON has the form of a feature."""
    if isinstance(feature, list):
        return len(feature) == 1 and _is_feature(feature[0])
    if not isinstance(feature, dict):
        return False
    kind, names = feature.get("_type"), {"ClassLabel": "names", "Translation": "languages"}
    if kind in names:
        return _is_names(feature.get(names[kind], []))
    if kind in LISTS:
        return _is_feature(feature.get("feature"))
    return kind is not None or all(map(_is_feature, feature.values()))


def _is_names(value):
    return value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def rows_of_tables(tables: Iterator[Any], features: Features) -> Iterator[Row]:
    """Yield the rows of Arrow tables or record batches, with class names in place of class numbers."""
    translations = [name for name, feature in features.items() if _type(feature) == "Translation"]
    for table in tables:
        float32s = [field.name for field in table.schema if str(field.type) == "float"]
        for start in range(0, table.num_rows, BATCH):
            for row in table.slice(start, BATCH).to_pylist():
                row |= {name: shortest_float(row[name]) for name in float32s}
                row: Row = {str(name): _convert(value, features.get(name)) for name, value in row.items()}
                for name in translations:
                    row |= cell if isinstance(cell := row.get(name), dict) else {}
                yield row


def _convert(value: Any, feature: Any) -> Any:
    """A cell in Python's types; None for a class number that is no class, such as -1."""
    if value is None:
        return None
    if _type(feature) == "ClassLabel" and not isinstance(value, str):
        names = feature.get("names") or ()
        return names[int(value)] if 0 <= value < len(names) else None
    inner = _inner(feature)
    if isinstance(value, list) and inner is not None:
        return [_convert(item, inner) for item in value]
    if isinstance(value, dict) and isinstance(inner, dict):  # a sequence of dicts is stored as a dict of lists
        return {name: _convert(item, {"_type": "List", "feature": inner.get(name)}) for name, item in value.items()}
    if isinstance(value, dict) and isinstance(feature, dict):
        return {name: _convert(item, feature.get(name)) for name, item in value.items()}
    return to_python(value)


def class_features(features: Features) -> list[str]:
    """The names of the columns of class numbers."""
    return [name for name, feature in features.items() if _type(feature) == "ClassLabel"]


def columns_of_features(features: Features) -> dict[str, str]:
    """{standard field: column} for columns that are not called as the standard fields, by their types and names.

    A translation is source and target; the first of the known names of texts, the only column of classes and the
    only sequence of classes (or ner_tags) are text, label and tags.
    """
    for feature in features.values():
        if _type(feature) == "Translation":
            return dict(zip(("source", "target"), feature.get("languages") or (), strict=False))
    texts = () if "text" in features else next((t for t in TEXTS if all(name in features for name in t)), ())
    columns: dict[str, str] = dict(zip(("text", "text_pair"), texts, strict=False))
    sequences = [name for name, feature in features.items() if _type(_inner(feature)) == "ClassLabel"]
    sequences = ["ner_tags"] if "ner_tags" in sequences else sequences
    for field, names in (("label", class_features(features)), ("tags", sequences)):
        if field not in features and len(names) == 1:
            columns[field] = names[0]
    return columns


def _inner(feature):
    """The feature of the items of a list, None for any other feature. [FEATURE] is the oldest form of a list."""
    if isinstance(feature, list):
        return feature[0]
    return feature.get("feature") if _type(feature) in LISTS else None


def _type(feature):
    return feature.get("_type") if isinstance(feature, dict) else None
