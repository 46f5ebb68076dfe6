"""Training on many devices: the mesh of devices of `training.distribute`, and the processes that train together.

`data`: each device has all weights and a part of the batch. `fsdp`: fully sharded data parallelism, the weights are
split too. `model`: each weight is split over `training.model_devices` devices, which compute together (tensor
parallelism). See docs/scale.md, and `zoo.transforms.sharding` for which axis of a weight is split.
"""

import json
import math
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from zoo import backend, config
from zoo.backend.shapes import data_devices
from zoo.presets import Preset, Training
from zoo.readers.memory import SCHEME
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.optional import import_optional
from zoo.training.run_record import RunRecord
from zoo.transforms.sharding import BATCH, MODEL

MODES = ("none", "data", "fsdp", "model")
SETTING = "training.distribute="
COUNTS = ("KERAS_DISTRIBUTION_NUM_PROCESSES", "SLURM_NTASKS")  # environment variables: how many processes there are


def check_backend(training: Training) -> None:
    """Raise UserError for `training.distribute` on a backend that would train on one device."""
    if training.distribute != MODES[0] and backend.CANNOT_DISTRIBUTE:
        received = f"{SETTING}{training.distribute} on {keras.config.backend()}: {backend.CANNOT_DISTRIBUTE}"
        raise UserError(f"Expected KERAS_BACKEND=jax for several devices. Received: {received}.")


def mesh_shape(preset: Preset) -> tuple[int, int]:
    """(parts of a batch, devices that share each weight) of the devices at hand.

    Raises UserError for settings that do not fit them.
    """
    training, (devices, local) = preset.training, backend.device_counts()
    if training.distribute != MODEL:
        return devices, 1
    heads = getattr(preset.architecture, "heads", 0)
    shared = training.model_devices or math.gcd(local, heads)
    if devices % shared:
        raise UserError(
            f"Expected training.model_devices to divide the {devices} devices. Received: {shared}. "
            f"Nearest: {math.gcd(devices, shared)}."
        )
    return devices // shared, shared


def check_distribution(preset: Preset) -> None:
    """Raise UserError, before data is read, where the settings do not fit the devices at hand."""
    training = preset.training
    if training.model_devices and training.distribute != MODEL:
        received = f"training.model_devices={training.model_devices}, {SETTING}{training.distribute}"
        raise UserError(f"training.model_devices is for {SETTING}model. Received: {received}.")
    if training.distribute == MODES[0]:
        return
    import_optional("orbax.checkpoint", "scale", SETTING + training.distribute)
    parts, _ = mesh_shape(preset)
    if training.batch_size % parts:
        more = -(-training.batch_size // parts) * parts
        raise UserError(
            f"Expected training.batch_size to be a multiple of {parts}, the devices that split a batch. "
            f"Received: training.batch_size={training.batch_size}. Nearest: {more}."
        )
    if backend.process_count() > 1 and preset.data.spec.startswith(SCHEME):
        raise UserError(f"Data in memory needs one process: give files. Received: {backend.process_count()} processes.")
    if backend.process_count() > 1 and preset.tuning.quantize != "float32":
        raise UserError(f"tuning.quantize needs one process. Received: {backend.process_count()} processes.")


def check_rows(rows: int, training: Training) -> None:
    """Raise UserError where there are fewer training examples than a batch has rows, and devices cannot split them."""
    if rows % data_devices():
        raise UserError(
            f"Expected at least training.batch_size={training.batch_size} training examples on {data_devices()} "
            f"devices. Received: {rows}. Use a smaller batch, or fewer devices."
        )


def distribution_scope(preset: Preset) -> AbstractContextManager:
    """Within the block Keras creates variables on all devices, and splits batches over them, as the preset says."""
    if preset.training.distribute == MODES[0]:
        return nullcontext()
    parts, shared = mesh_shape(preset)
    console.print(f"{SETTING}{preset.training.distribute}: {_describe(parts, shared)}.")
    return _distribution(preset.training.distribute, parts, shared).scope()


def _distribution(mode, parts, shared) -> Any:
    shape, names = ((parts, shared), (BATCH, MODEL)) if mode == MODEL else ((parts,), (BATCH,))
    mesh = keras.distribution.DeviceMesh(shape, names)
    if mode == "data":
        return keras.distribution.DataParallel(device_mesh=mesh, auto_shard_dataset=False)
    layouts = keras.distribution.LayoutMap(mesh)  # empty: `zoo.transforms.sharding` gives each variable its own
    return keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name=BATCH, auto_shard_dataset=False)


def _describe(parts, shared):
    processes = backend.process_count()
    devices = f"{parts * shared} devices" + (f" in {processes} processes" if processes > 1 else "")
    sharing = f", {shared} devices a part" if shared > 1 else ""
    return f"{devices}, a batch in {parts} parts{sharing}"


def join_processes(preset: str | Preset, overrides: Iterable[str]) -> None:
    """Join the processes of a run on several hosts, where the environment names several: see docs/scale.md.

    It comes before any computation, so the preset or an override must say `training.distribute`.
    """
    values = [text.removeprefix(SETTING) for text in overrides if text.startswith(SETTING)]
    mode = values[-1] if values else getattr(getattr(preset, "training", None), "distribute", MODES[0])
    is_cluster = any(int(os.environ.get(name) or 1) > 1 for name in COUNTS)
    if mode == MODES[0] or not is_cluster or backend.CANNOT_DISTRIBUTE:
        return
    backend.join_processes()
    console.quiet = backend.process_index() > 0


def of_first_process(
    start: Callable[[], tuple[Path, Preset, RunRecord]],
) -> tuple[Path, Preset, RunRecord]:
    """What `start()` returns in process 0, in every process; a mistake of the user there is one in each.

    Raises UserError.
    """
    if backend.process_count() == 1:
        return start()
    result, text = None, ""
    if backend.process_index() == 0:
        try:
            result = folder, preset, record = start()
            state = {"folder": str(folder.absolute()), "preset": config.to_json(preset), "record": asdict(record)}
            text = json.dumps(state)
        except UserError as error:
            text = json.dumps({"error": str(error)})
    state = json.loads(backend.share_text(text))
    if "error" in state:
        raise UserError(state["error"])
    record = state["record"] | {"backends": tuple(state["record"]["backends"])}
    return result or (Path(state["folder"]), config.from_json(state["preset"]), RunRecord(**record))


def first_alone(function: Callable[[], None]) -> None:
    """Call a function in process 0 first, then in the others, which find the files that it wrote.

    Raises UserError in each where it does in process 0.
    """
    error = ""
    if is_writer():
        try:
            function()
        except UserError as caught:
            error = str(caught)
    if error := backend.share_text(error):
        raise UserError(error)
    if not is_writer():
        function()


def check_equal(name: str, value: str) -> None:
    """Raise UserError where a value differs between the processes of a run; all of them must call this."""
    first = backend.share_text(value)
    if value != first:
        raise UserError(f"Expected the same {name} in each process. Received: another in {backend.process_index()}.")


def is_writer() -> bool:
    """Whether this process writes the files of the run: the first one does."""
    return backend.process_index() == 0
