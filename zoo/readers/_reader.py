"""What a reader of one format must do: say which specs it claims, and which parts lie behind one."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}
UNNAMED = ""  # the split of a file that does not say which split it is


@dataclass(frozen=True)
class Source:
    """Rows that belong together, not read yet: one split of a dataset, or all of it."""

    description: str  # for messages
    rows: Callable[[], Iterator[tuple[str, dict]]]  # yields (place, row): a place such as "train.tsv:12"
    digest: Callable[[], str]  # changes with the content
    columns: Mapping[str, str] = field(default_factory=dict)  # standard field -> column, unless the user says otherwise


class Reader:
    """One format or source of records. A reader of files needs `extensions` and `rows`; others override the rest."""

    extensions: tuple[str, ...] = ()  # without .gz

    def rows(self, path, errors) -> Iterator[tuple[str, dict]]:
        """Yields (place, row) of one file; a row is a dict of the file's own columns."""
        raise NotImplementedError

    def handles(self, spec) -> bool:
        """Whether this reader is the one for `spec` (a split after # is already gone)."""
        return plain_name(spec).endswith(self.extensions)

    def sources(self, spec, errors) -> dict[str, Source]:
        """The parts behind `spec` by their own split names."""
        return {split_in(Path(spec).name): self.source(spec, errors)}

    def source(self, path, errors) -> Source:
        """A whole file as one part."""
        return Source(str(path), lambda: self.rows(path, errors), lambda: digest_files(path))


def plain_name(path):
    """The lower-case file name without .gz."""
    return Path(path).name.lower().removesuffix(".gz")


def split_in(name):
    """The split that a file's name starts with ("dev-v2.0.json" -> "validation"), or UNNAMED."""
    first = re.match(r"[a-z]*", name.lower())[0]
    return SPLITS.get(first, UNNAMED)


def digest_files(*paths):
    """A hash of the bytes of some files, one after the other."""
    whole = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
