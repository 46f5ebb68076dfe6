"""`zoo.import_model`: convert a published checkpoint, perhaps with a LoRA adapter merged, to a model folder."""

from pathlib import Path

from zoo.adapters.merging import merge
from zoo.checkpoints.folder import read_published
from zoo.checkpoints.import_table import import_lines
from zoo.checkpoints.resolve import resolve
from zoo.checkpoints.verification import verify as compare
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_folder, check_new


def import_model(
    name: str | Path,
    to: str | Path | None = None,
    adapter: str | Path | None = None,
    *,
    pair: bool | None = None,
    verify: bool = False,
) -> Path:
    """Convert a published checkpoint to a model folder, which `zoo.load` reads; returns the folder.

    What was read of its settings, and what is not applied, is printed.

    Args:
        name: a folder of transformers, sentence-transformers or KerasHub, or `hf:OWNER/NAME`, or `keras:PRESET`.
        to: the model folder; default `saved_models/<the last part of the name>`.
        adapter: a LoRA adapter of this backbone, to be merged: see `zoo.merge`.
        pair: whether a classifier reads pairs of texts, which its files do not tell; None: only where it has one
            output.
        verify: compare its answer on a sentence with that of transformers or sentence-transformers, where these are
            installed.

    Raises UserError where `to` exists, the checkpoint or the adapter cannot be read, or its answer is another one.
    """
    to = Path(to or Path("saved_models") / str(name).rstrip("/").replace(":", "/").rpartition("/")[2])
    check_new(to, "save the model in")
    pipeline = _merged(name, adapter, pair, verify) if adapter else _imported(resolve(name), pair, verify)
    with atomic_folder(to) as folder:
        pipeline.save(folder)
    return to


def _imported(folder, pair, verify):
    imported = read_published(folder, pair)
    for line in import_lines(imported):
        console.print(line, markup=False)
    if verify:
        console.print(compare(imported.pipeline, folder), markup=False)
    return imported.pipeline


def _merged(name, adapter, pair, verify):
    if pair is not None or verify:
        raise UserError("Expected an adapter, or pair and verify: the adapter says what it reads. Received: both.")
    return merge(name, adapter)
