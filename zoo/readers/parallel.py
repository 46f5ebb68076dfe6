"""Parallel text: two files with as many lines each, one sentence per line, named by a path with {source,target}.

`corpus/train.{en,de}` reads corpus/train.en and corpus/train.de. Where the path before `.{` is a folder, as in
`corpus.{en,de}`, all its splits are read: train.en, train.de, valid.en, test_2016.de.gz and so on. Quote the path in a
shell, which expands braces.
"""

import re
from itertools import zip_longest
from pathlib import Path

from zoo.readers import Reader
from zoo.readers._lines import check_exists, read_lines, without_ending
from zoo.readers._reader import UNNAMED, Source, digest_files, split_in
from zoo.runtime.errors import UserError

PATTERN = re.compile(r"(.+)\.\{([\w-]+),([\w-]+)\}(?:\.gz)?")


class Parallel(Reader):
    """Read PATH.{en,de} into the fields `source` and `target`; a record's line number is that of both files."""

    def handles(self, spec):
        return PATTERN.fullmatch(spec) is not None

    def sources(self, spec, errors):
        match = PATTERN.fullmatch(spec)
        assert match, spec  # by `handles`
        path, *languages = match.groups()
        stems = _stems(Path(path), languages[0]) if Path(path).is_dir() else {split_in(Path(path).name): path}
        return {split: _source(stem, languages, errors) for split, stem in stems.items()}


def _stems(folder, language):
    """The paths, without the language, of the splits in a folder."""
    stems = {}
    for file in sorted(folder.iterdir()):
        stem, ending, _ = file.name.removesuffix(".gz").rpartition(f".{language}")
        if ending and split_in(stem) != UNNAMED:
            _add(stems, split_in(stem), folder / stem)
    if not stems:
        raise UserError(f"Expected files such as train.{language} in the folder {folder}. Received: none.")
    return stems


def _add(stems, split, stem):
    if stems.setdefault(split, stem) != stem:
        raise UserError(f"Expected one pair of files for the {split} split. Received: {stems[split]}, {stem}.")


def _source(stem, languages, errors):
    source, target = (_plain_or_gzipped(f"{stem}.{language}") for language in languages)
    description = f"{source} with {target}"
    return Source(description, lambda: _rows(source, target, errors), lambda: digest_files(source, target))


def _plain_or_gzipped(path):
    """The path of an existing file, with .gz where only that exists. Raises UserError for a missing file."""
    if not Path(path).exists() and Path(f"{path}.gz").exists():
        path = f"{path}.gz"
    check_exists(path)
    return path


def _rows(source, target, errors):
    pairs = zip_longest(read_lines(source, errors), read_lines(target, errors))
    for number, (left, right) in enumerate(pairs, start=1):
        if left is None or right is None:
            short, long = (source, target) if left is None else (target, source)
            raise UserError(
                f"Expected as many lines in {source} as in {target}. Received: {short} ends after line {number - 1}, "
                f"{long} has more."
            )
        yield f"{source}:{number}", {"source": without_ending(left[1]), "target": without_ending(right[1])}
