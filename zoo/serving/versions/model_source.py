"""Model sources: the folders that a server serves, with numbered versions, as TensorFlow Serving lays them out.

FOLDER                  | what is served
----------------------- | ---------------------------------------------------------------------
FOLDER/1, FOLDER/2 ...  | one model, named as FOLDER; each number is a SavedModel
FOLDER/saved_model.pb   | one model with one version: the number that FOLDER is named, else 1
FOLDER/NAME/1 ...       | a model for each folder of versions that is in FOLDER when the server starts
NAME=FOLDER             | the first or second, under a name of your own
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo.runtime.errors import UserError

FILE = "saved_model.pb"
VERSION = re.compile("[0-9]{1,18}")  # below the largest int64
NAME = re.compile("[^/:]+")  # of a model in the paths of TensorFlow Serving's REST API


@dataclass(frozen=True)
class ModelSource:
    """A model to serve: its name and its folder, of versions or, with `version`, of that one SavedModel."""

    name: str
    folder: Path
    version: int | None = None

    def version_folders(self) -> dict[int, Path]:
        """{version: folder} of the versions that are on disk now, complete or not."""
        if self.version is not None:
            return {self.version: self.folder}
        return _version_folders(self.folder)


def model_sources(folders: Iterable[str]) -> list[ModelSource]:
    """The models in FOLDER or NAME=FOLDER arguments (module docstring).

    Raises UserError for a folder that is missing or holds no SavedModel, and for two models of one name.
    """
    sources = [source for folder in folders for source in _sources(folder)]
    for index, source in enumerate(sources):
        if not NAME.fullmatch(source.name):
            raise UserError(f"Expected a model name without / and :, as NAME=FOLDER. Received: {source.name!r}.")
        for other in sources[:index]:
            if other.name == source.name:
                raise UserError(
                    f"Expected one folder for each model name. Received: {other.folder} and {source.folder} for "
                    f"{source.name!r}; name one of them: NAME=FOLDER."
                )
    return sources


def latest_version(model: str | Path) -> Path:
    """The folder of the latest version of an exported model. Raises UserError where there is none."""
    sources = model_sources([str(Path(model).absolute())])
    if len(sources) > 1:
        raise UserError(f"Expected one model. Received: {model}, with {', '.join(source.name for source in sources)}.")
    return max(sources[0].version_folders().items())[1]


def _sources(argument):
    """The model sources of one argument."""
    name, _, path = argument.rpartition("=") if not Path(argument).exists() else ("", "", argument)
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"Expected a folder of SavedModels. Received: {path}, which {_absence(folder)}.")
    absolute = folder.absolute()
    if (folder / FILE).is_file():
        numbered = VERSION.fullmatch(absolute.name)
        inferred = absolute.parent.name if numbered else absolute.name
        return [ModelSource(name or inferred, folder, int(absolute.name) if numbered else 1)]
    if _version_folders(folder):
        return [ModelSource(name or absolute.name, folder)]
    children = [child for child in sorted(folder.iterdir()) if child.is_dir() and _version_folders(child)]
    if not children or name:
        raise UserError(_without_saved_model(folder))
    return [ModelSource(child.name, child) for child in children]


def _version_folders(folder):
    try:
        numbered = {int(path.name): path for path in sorted(folder.iterdir()) if VERSION.fullmatch(path.name)}
    except OSError:  # removed, or unreadable, for now
        return {}
    return {version: path for version, path in numbered.items() if path.is_dir()}


def _absence(folder):
    return "is a file" if folder.exists() else "does not exist"


def _without_saved_model(folder):
    if (folder / "preset.json").is_file():
        return f"Expected an exported model. Received: {folder}, which has no export yet: zoo export {folder}"
    return (
        f"Expected a SavedModel, or a folder with numbered versions of one. Received: {folder}, "
        f"which has neither {FILE} nor a folder such as 1."
    )
