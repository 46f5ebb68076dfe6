'''The contract of a reader, which turns one file format or source into rows for `zoo.open_dataset`.

A reader of a file format has `extensions` and `rows`. This one reads .ini files, a section a row:

    import configparser
    from pathlib import Path
    import zoo

    @zoo.register
    class Ini(zoo.readers.Reader):
        """Read .ini: each section is a row, its options are the columns."""

        extensions = (".ini",)

        def rows(self, path, errors):
            parser = configparser.ConfigParser()
            parser.read_string(Path(path).read_text(encoding="utf-8", errors=errors))
            for name in parser.sections():
                yield f"{path} section {name}", dict(parser[name])

A reader of another source, such as a database, overrides `handles` and `sources` instead.
'''

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.runtime.errors import RowError

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
UNNAMED = ""  # the split of a file whose name is not that of a split

Row = dict[str, Any]  # the source's own columns


@dataclass(frozen=True)
class Source:
    """The rows of one split, or of a complete dataset; every call of `rows` streams them from the start."""

    description: str  # for messages
    rows: Callable[[], Iterator[tuple[str, Row | RowError]]]  # yields (location, row): at "train.tsv:12"
    digest: Callable[[], str]  # a hash that changes with the content
    columns: Mapping[str, str] = field(default_factory=dict)  # standard field -> column, unless the user maps others
    count: Callable[[], int] | None = None  # the number of rows, where that is quicker than `rows`
    note: str = ""  # how `columns` were found, a message for data whose columns the user maps otherwise or not at all
    header: str = ""  # the file whose first row names the columns of all rows, for messages


class Reader:
    """One format or source of records. A reader of files needs `extensions` and `rows`; others override the rest."""

    extensions: tuple[str, ...] = ()  # in lower case, without .gz

    def rows(self, path: str | Path, errors: str) -> Iterator[tuple[str, Row | RowError]]:
        """Yield (location, row) of one file; a row is a dict of the file's own columns.

        `errors` is "strict" or "replace", for broken UTF-8. Raise `zoo.UserError`, with the location, for a broken row;
        if rows follow that can be read, yield (location, `zoo.runtime.errors.RowError`) in its place.
        """
        raise NotImplementedError(f"{type(self).__name__} defines neither `rows` nor `sources`.")

    def handles(self, spec: str) -> bool:
        """Whether `spec`, without its #SPLIT, is for this reader. A reader of folders returns True for its folders."""
        return plain_name(spec).endswith(self.extensions) and not Path(spec).is_dir()

    def sources(self, spec: str, errors: str) -> dict[str, Source]:
        """{split: `Source`} of a spec, by the source's own names of splits; `UNNAMED` where it has no splits."""
        return {split_in(Path(spec).name): self.source(spec, errors)}

    def source(self, path: str | Path, errors: str) -> Source:
        """A complete file as one source."""
        count = None if type(self).count is Reader.count else lambda: self.count(path, errors)
        return Source(str(path), lambda: self.rows(path, errors), lambda: digest_files(path), count=count)

    def count(self, path: str | Path, errors: str) -> int:
        """The number of rows of one file. Override it where rows can be counted without being parsed."""
        return sum(1 for _ in self.rows(path, errors))


REGISTERED: dict[str, type[Reader]] = {}  # user-defined readers by name: `zoo.register` adds them


def plain_name(path: str | Path) -> str:
    """The lower-case file name without .gz."""
    return Path(path).name.lower().removesuffix(".gz")


def split_in(name: str) -> str:
    """The split that a file's name starts with ("dev-v2.0.json" -> "validation"), or `UNNAMED`."""
    match = re.match(r"[a-z]*", name.lower())
    return SPLITS.get(match[0] if match else "", UNNAMED)


def digest_files(*paths: str | Path) -> str:
    """A hash of the bytes of files, in order."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
