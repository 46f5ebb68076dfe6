"""`zoo.import_model`: convert a published checkpoint, perhaps with a LoRA adapter merged, to a model folder."""

from pathlib import Path

from zoo.adapters.merging import merge
from zoo.checkpoints.folder import import_folder
from zoo.checkpoints.resolve import resolve
from zoo.runtime.files import atomic_folder, check_new


def import_model(name: str | Path, to: str | Path | None = None, adapter: str | Path | None = None) -> Path:
    """Convert a published checkpoint to a model folder, which `zoo.load` reads; returns the folder.

    Args:
        name: a folder of transformers, sentence-transformers or KerasHub, or `hf:OWNER/NAME`, or `keras:PRESET`.
        to: the model folder; default `saved_models/<the last part of the name>`.
        adapter: a LoRA adapter of this backbone, to be merged: see `zoo.merge`.

    Raises UserError where `to` exists, or the checkpoint or the adapter cannot be read.
    """
    to = Path(to or Path("saved_models") / str(name).rstrip("/").replace(":", "/").rpartition("/")[2])
    check_new(to, "save the model in")
    pipeline = merge(name, adapter) if adapter else import_folder(resolve(name))
    with atomic_folder(to) as folder:
        pipeline.save(folder)
    return to
