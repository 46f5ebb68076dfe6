"""The labels of a dataset: collected from the training split, checked against the others."""

from collections.abc import Iterable

from zoo.runtime.errors import did_you_mean


def collect_labels(dataset, field="label"):
    """The different labels (or tags, or items of `labels`) of the training split, sorted.

    Raises ValueError where there is no training split or fewer than two labels.
    """
    found = set()
    for place, record in dataset.placed("train"):
        found.update(_labels(record, field, place))
    if len(found) < 2:
        where = dataset.where("train")
        raise ValueError(f"Expected at least two different values of {field!r} in {where}. Received: {sorted(found)}.")
    return tuple(sorted(found))


def check_labels(dataset, labels, field="label", splits=("validation", "test")):
    """Raises ValueError, with the place and the nearest known label, for a label that is not among `labels`."""
    known = frozenset(labels)
    for split in splits:
        for place, record in dataset.placed(split) if split in dataset.splits else ():
            for label in _labels(record, field, place):
                if label not in known:
                    raise ValueError(
                        f"Expected a label that the training split has, at {place}. "
                        f"Received: {field}={label!r}.{did_you_mean(label, sorted(known))}"
                    )


def _labels(record, field, place) -> Iterable[str]:
    if field not in record:
        raise ValueError(f"Expected a column {field!r} at {place}. Map it by --columns {field}=NAME.")
    value = record[field]
    return (value,) if isinstance(value, str) else value
