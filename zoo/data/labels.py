"""The label vocabulary of a dataset: collected from the training split, checked against the other splits."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from zoo.runtime.console import console
from zoo.runtime.errors import UserError, did_you_mean

NUMBER = re.compile(r"[-+]?\d{1,300}(\.\d*)?")
MAX_LISTED = 10  # labels in a message


class LabelCollector:
    """Collects the label vocabulary from records one by one, in any order of splits.

    Args:
        field: the record field that holds the labels: `label`, `tags`, or `labels` with several a record.
    """

    def __init__(self, field: str = "label") -> None:
        self.field = field
        self._counts: dict[str, Counter] = {}  # split -> records of each label
        self._locations: dict[str, str] = {}  # label -> location of its first record

    def add(self, split: str, location: str, record: dict) -> None:
        """Add the labels of a record. Raises UserError, with the location, where it lacks the field."""
        labels = labels_of(record, self.field, location)
        self._counts.setdefault(split, Counter()).update(labels)
        for label in labels:
            self._locations.setdefault(label, location)

    def labels(self, where: str) -> tuple[str, ...]:
        """The sorted labels of the training split; `where` describes the split in a message.

        Raises UserError where there are fewer than two.
        """
        return check_several(self._counts.get("train", ()), self.field, where)

    def check(self, labels: Collection[str], describe: Callable[[str], str]) -> None:
        """Report labels that are not among `labels`, the model's: they are never predicted, and count as mistakes.

        Args:
            describe: describes a split for messages.

        Raises UserError for a split without any of the labels, as its column is another or holds something else.
        """
        self._report_equal_numbers()
        known = frozenset(labels)
        for split, counts in self._counts.items():
            unseen = Counter({label: count for label, count in counts.items() if label not in known})
            if unseen and len(unseen) == len(counts):
                raise UserError(self._no_known_label(unseen, known, describe(split)))
            if unseen:
                console.print(self._unseen_labels(unseen, known, describe(split)))

    def _report_equal_numbers(self):
        """Print labels that are different texts of one number, such as 1 and 1.0."""
        groups = {}
        for label in self._locations:
            if NUMBER.fullmatch(label):
                groups.setdefault(float(label), []).append(label)
        for same in groups.values():
            if len(same) > 1:
                listed = ", ".join(f"{label!r}, first at {self._locations[label]}" for label in same)
                console.print(f"Values of {self.field} that are one number and different classes: {listed}.")

    def _unseen_labels(self, unseen, known, where):
        first = unseen.most_common(1)[0][0]
        listed = ", ".join(f"{label} ({count})" for label, count in unseen.most_common(MAX_LISTED))
        more = f" and {len(unseen) - MAX_LISTED} more" if len(unseen) > MAX_LISTED else ""
        return (
            f"Labels of {where} that the training split lacks, so that they are never predicted and count as mistakes: "
            f"{listed}{more}, first at {self._locations[first]}.{did_you_mean(first, sorted(known))}"
        )

    def _no_known_label(self, unseen, known, where):
        label = unseen.most_common(1)[0][0]
        expected = ", ".join(sorted(known)[:MAX_LISTED])
        received = f"{self.field}={label!r} at {self._locations[label]}"
        hint = did_you_mean(label, sorted(known))
        return f"Expected labels such as {expected} in {where}. Received: {received}.{hint} zoo check lists all labels."


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
