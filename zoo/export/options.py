"""Options of an export, which travel to the process with TensorFlow as a JSON file beside the model."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.runtime.files import write_text

OPTIONS = "export.json"  # in the folder of the model that the other process loads


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is exported beside the network.

    Args:
        requests: example requests, {input: text}, that are written as warm-up requests into a SavedModel, and by which
            a network in another format is compared with the model.
        precision: of the weights, one of `zoo.export.precision.PRECISIONS`.
    """

    requests: tuple[dict[str, str], ...] = ()
    precision: str = "float32"

    def save(self, model_folder: Path) -> None:
        """Write the options into a model folder."""
        write_text(model_folder / OPTIONS, json.dumps(asdict(self)))

    @staticmethod
    def load(model_folder: Path) -> "ExportOptions":
        """The options of a model folder; the defaults where it has none."""
        path = model_folder / OPTIONS
        values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return ExportOptions(**values | {"requests": tuple(values.get("requests", ()))})
