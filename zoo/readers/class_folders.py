"""A folder for each class, a text file for each text: FOLDER/CLASS/*.txt, as Keras, scikit-learn and fastai read it.

The class of a text is the name of its folder. Splits are FOLDER/train/CLASS, FOLDER/validation/CLASS and
FOLDER/test/CLASS, as in aclImdb, or are derived. Text files end in .txt, in .txt.gz or, as in 20 Newsgroups, have no
extension. A folder called unsup or unlabeled, aclImdb's texts without a class, is left out.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from zoo.readers import Reader
from zoo.readers._lines import read_lines, without_ending
from zoo.readers._reader import digest_files, plain_name

UNLABELLED = ("unsup", "unsupervised", "unlabeled", "unlabelled")


class ClassFolders(Reader):
    """Read FOLDER/CLASS/*.txt into the fields `text`, `label` and `file`, the path within FOLDER; sorted by path."""

    def handles(self, spec):
        folder = Path(spec)
        return folder.is_dir() and any(next(_texts(path), None) for path in _class_folders(folder))

    def rows(self, path, errors):
        for file in _files(path):
            text = "".join(line for _, line in read_lines(file, errors))
            name = file.relative_to(path).as_posix()
            yield str(file), {"text": without_ending(text), "label": file.parent.name, "file": name}

    def source(self, path, errors):
        return replace(super().source(path, errors), digest=lambda: _digest(path))

    def count(self, path, errors):
        return len(_files(path))


def _class_folders(folder):
    """The subfolders of a folder that may hold the texts of a class, sorted."""
    paths = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [path for path in paths if path.name.lower() not in UNLABELLED]


def _texts(folder):
    """Yield the text files of a folder."""
    for path in folder.iterdir():
        if not path.name.startswith(".") and Path(plain_name(path)).suffix in (".txt", "") and path.is_file():
            yield path


def _files(folder):
    """All text files of all classes, sorted by path."""
    return [file for path in _class_folders(Path(folder)) for file in sorted(_texts(path))]


def _digest(folder):
    files = _files(folder)
    names = "\n".join(file.relative_to(folder).as_posix() for file in files)
    return hashlib.sha256(f"{digest_files(*files)}\n{names}".encode()).hexdigest()
