"""Completeness of a version folder: whether a SavedModel is there as a whole, and whether its files still change."""

from __future__ import annotations

import re
from pathlib import Path

SHARD = re.compile(r"variables\.data-\d{5}-of-(\d{5})")
Fingerprint = tuple[tuple[str, int, int], ...]


def fingerprint(folder: Path) -> Fingerprint | None:
    """(path, size in bytes, time of change in ns) of each file of a SavedModel; None while a file is missing.

    Variables are complete where the index and all shards that their names count are there.
    """
    try:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in files]
    except OSError:  # removed meanwhile
        return None
    names = {name for name, _ in stats}
    if "saved_model.pb" not in names or not _variables_complete(folder, names):
        return None
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _variables_complete(folder, names):
    if not (folder / "variables").is_dir():
        return True  # a SavedModel without variables
    shards = [match for name in names if (match := SHARD.fullmatch(name.removeprefix("variables/")))]
    return "variables/variables.index" in names and bool(shards) and len(shards) == int(shards[0][1])
