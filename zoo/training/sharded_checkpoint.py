"""Sharded checkpoints of a run on many devices, by Orbax: each process writes its parts, any devices read them.

Orbax, https://orbax.readthedocs.io, writes a new checkpoint beside the old one before it removes that, so that a killed
process leaves a complete one. A run on one device has one npz file instead: see `zoo.training.checkpoint`.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from zoo import backend
from zoo.runtime.errors import UserError
from zoo.runtime.optional import import_optional
from zoo.training import checkpoint

NAME = "checkpoint.npz"  # of a run on one device
SHARDED = "checkpoint.orbax"  # a folder


def save(
    path: Path,
    progress: dict,
    variables: Iterable[keras.Variable],
    optimizer: Iterable[keras.Variable],
    best: Sequence[Any] | None,
) -> None:
    """Write a sharded checkpoint in place of the last one; every process calls it. Arguments: `checkpoint.save`."""
    arrays = {"model": [v.value for v in variables], "optimizer": [v.value for v in optimizer], "best": best or []}
    with _manager(path) as (orbax, manager):
        items = {name: orbax.args.StandardSave(_tree(values)) for name, values in arrays.items() if values}
        items["progress"] = orbax.args.JsonSave(progress)
        manager.save(progress["rows"][-1]["batch"], args=orbax.args.Composite(**items), force=True)


class ShardedCheckpoint:
    """A sharded checkpoint read back, in the form of `checkpoint.Checkpoint`: on any number of devices, in any mode.

    Raises UserError where there is no complete one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if keras.config.backend() != "jax":
            raise UserError(f"Expected KERAS_BACKEND=jax for {path}. Received: {keras.config.backend()}.")
        with self._failing("is not a complete checkpoint"), _manager(path) as (orbax, manager):
            items = orbax.args.Composite(progress=orbax.args.JsonRestore())
            self.step = manager.latest_step()
            self.progress = manager.restore(self.step, args=items).progress

    def best(self, variables: Sequence[keras.Variable]) -> list[Any] | None:
        """The best weights so far, an array split as its variable for each of `variables`; None: there are none."""
        if not (self.path / str(self.step) / "best").is_dir():
            return None
        return self._read("best", variables)

    def restore(self, variables: Sequence[keras.Variable], model: keras.Model | None) -> None:
        """Assign the saved values to `variables` and, if any, to the optimizer of a compiled `model`.

        Raises UserError where the checkpoint belongs to another network.
        """
        checkpoint.assign(variables, self._read("model", variables))
        if model:
            checkpoint.assign(model.optimizer.variables, self._read("optimizer", model.optimizer.variables))

    def _read(self, name, variables) -> list[Any]:
        from zoo.backend.jax_processes import array_spec

        specs = _tree([array_spec(variable) for variable in variables])
        with self._failing("belongs to another network"), _manager(self.path) as (orbax, manager):
            items = orbax.args.Composite(**{name: orbax.args.StandardRestore(specs)})
            arrays = manager.restore(self.step, args=items)[name]
        return [arrays[key] for key in specs]

    @contextmanager
    def _failing(self, problem) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, OSError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{self.path} {problem} ({reason}). Start again with --restart.") from error


def _tree(values):
    """{number of a value, as text: value}, in order."""
    return {f"{i:06}": value for i, value in enumerate(values)}


@contextmanager
def _manager(path) -> Iterator[tuple[Any, Any]]:
    """(orbax.checkpoint, the manager of the checkpoints in a folder)."""
    orbax = import_optional("orbax.checkpoint", "scale", SHARDED)
    logging.getLogger("absl").setLevel(logging.ERROR)
    options = orbax.CheckpointManagerOptions(max_to_keep=1, enable_async_checkpointing=False)
    with orbax.CheckpointManager(path.absolute(), options=options) as manager:
        yield orbax, manager


def checkpoint_path(folder: Path) -> Path:
    """The checkpoint of a run's folder: the sharded one, if any, else the npz file, which may be missing."""
    sharded = folder / SHARDED
    return sharded if sharded.is_dir() else folder / NAME


def open_checkpoint(folder: Path) -> Any:
    """The `ShardedCheckpoint` or `checkpoint.Checkpoint` in the folder of a run; None where there is none."""
    path = checkpoint_path(folder)
    if not path.exists():
        return None
    return (ShardedCheckpoint if path.name == SHARDED else checkpoint.Checkpoint)(path)


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy the checkpoint, if there is one, from a run's folder to another."""
    path = checkpoint_path(source)
    if path.is_dir():
        shutil.copytree(path, target / path.name)
    elif path.is_file():
        shutil.copy(path, target)


def write_checkpoint(folder: Path, *state: Any) -> None:
    """Write the checkpoint of a run in its folder, of many devices or of one; a run may go on in the other way.

    Args:
        state: the arguments of `checkpoint.save` after the path.
    """
    if keras.distribution.distribution() is None:
        checkpoint.save(folder / NAME, *state)
        shutil.rmtree(folder / SHARDED, ignore_errors=True)
    else:
        save(folder / SHARDED, *state)
        if backend.process_index() == 0:
            (folder / NAME).unlink(missing_ok=True)
