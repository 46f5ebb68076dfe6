"""Report of one pass over a split: rows left out by --skip, answers and spans that do not fit their text."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.data.answer_check import AnswerFilter
from zoo.data.label_cells import LabelCleaner
from zoo.data.span_annotations import SpanConverter
from zoo.runtime.console import console
from zoo.runtime.errors import RowError, UserError


class RowReport:
    """What one pass over a split leaves out or changes, with its counts."""

    def __init__(self) -> None:
        self.answers, self.spans, self.labels = AnswerFilter(), SpanConverter(), LabelCleaner()
        self._skipped, self._first = Counter(), {}

    def skip(self, error: RowError, location: str) -> None:
        """Count a row that is left out."""
        self._skipped[error.reason] += 1
        self._first.setdefault(error.reason, location)

    def report(self, split: str) -> None:
        """Print the counts on standard error; `split` describes the split."""
        if self._skipped:
            counts = self._skipped.items()
            reasons = "; ".join(
                f"{count} with {reason} (the first at {self._first[reason]})" for reason, count in counts
            )
            console.print(f"Skipped in {split}: {self._skipped.total()} rows: {reasons}.")
        self.answers.report(split)
        self.spans.report(split)
        self.labels.report(split)


@contextmanager
def naming_skip() -> Iterator[None]:
    """Add the option --skip to the message of a row that cannot be used, within a command that has this option."""
    try:
        yield
    except RowError as error:
        raise UserError(f"{error} Leave such rows out with --skip.") from error
