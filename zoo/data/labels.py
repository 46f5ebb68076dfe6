"""The label vocabulary of a dataset: collected from the training split, checked against the other splits."""

from collections.abc import Iterable, Sequence

from zoo.runtime.errors import UserError, did_you_mean


class LabelCollector:
    """Collects the label vocabulary from records one by one, in any order of splits.

    Args:
        field: the record field that holds the labels: `label`, `tags`, or `labels` with several a record.
    """

    def __init__(self, field: str = "label") -> None:
        self.field = field
        self._labels: set[str] = set()
        self._locations: dict[str, str] = {}  # label -> location of its first record

    def add(self, split: str, location: str, record: dict) -> None:
        """Add the labels of a record. Raises UserError, with the location, where it lacks the field."""
        labels = labels_of(record, self.field, location)
        if split == "train":
            self._labels.update(labels)
        for label in labels:
            self._locations.setdefault(label, location)

    def labels(self, where: str) -> tuple[str, ...]:
        """The sorted labels of the training split; `where` describes the split in a message.

        Raises UserError where there are fewer than two.
        """
        return check_several(self._labels, self.field, where)

    def check(self, labels: Iterable[str]) -> None:
        """Raise UserError, with the location of its first record, for a label that is not among `labels`."""
        known = frozenset(labels)
        for label, location in self._locations.items():
            if label not in known:
                raise UserError(_unknown_label(self.field, label, location, known))


def check_several(labels: Iterable[str], field: str, where: str) -> tuple[str, ...]:
    """Sort labels. Raises UserError where there are fewer than two; `where` describes their split."""
    labels = sorted(labels)
    if len(labels) < 2:
        raise UserError(f"Expected at least two different values of {field!r} in {where}. Received: {labels}.")
    return tuple(labels)


def labels_of(record: dict, field: str, location: str) -> Sequence[str]:
    """The labels that a field of a record holds. Raises UserError, with the location, where there is no such field."""
    if field not in record:
        raise UserError(f"Expected a column {field!r} at {location}. Map it by --columns {field}=NAME.")
    value = record[field]
    return (value,) if isinstance(value, str) else value


def _unknown_label(field, label, location, known):
    hint = did_you_mean(label, sorted(known))
    return f"Expected a label that the training split has, at {location}. Received: {field}={label!r}.{hint}"
