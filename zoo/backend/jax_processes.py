"""Several processes and devices on JAX: each process has some of the devices, and all run the same program (SPMD)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.experimental import multihost_utils

from zoo.backend.keras_private import replaced_values

CANNOT_DISTRIBUTE = ""  # why `keras.distribution` does not train on several devices here


def join_processes() -> None:
    """Connect to the other processes, which environment variables or the cluster name: `keras.distribution.initialize`.

    It comes before any computation.
    """
    if not jax.distributed.is_initialized():
        keras.distribution.initialize()


def device_counts() -> tuple[int, int]:
    """(devices of all processes, devices of this process)."""
    return jax.device_count(), jax.local_device_count()


def process_index() -> int:
    """The number of this process, counted from 0; process 0 writes the files."""
    return jax.process_index()


def process_count() -> int:
    """Number of processes that train together."""
    return jax.process_count()


def share_text(text: str) -> str:
    """The text of process 0, in each process; all must call it."""
    if jax.process_count() == 1:
        return text
    data = np.frombuffer(text.encode(), "uint8")
    size = int(multihost_utils.broadcast_one_to_all(np.array(len(data), "int32")))
    padded = np.zeros(size, "uint8")
    padded[: len(data)] = data[:size]
    return np.asarray(multihost_utils.broadcast_one_to_all(padded)).tobytes().decode()


def synchronize() -> None:
    """Wait until every process is here."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("zoo")


def array_spec(variable: keras.Variable) -> jax.ShapeDtypeStruct:
    """The shape, the dtype and the devices of a variable's value."""
    return jax.ShapeDtypeStruct(variable.shape, variable.dtype, sharding=variable.value.sharding)


def local_batch(batch: Any) -> Any:
    """The rows of a batch, a structure of arrays, for the devices of this process.

    Keras puts the rows of all processes together: see `keras.distribution`.
    """
    if jax.process_count() == 1:
        return batch
    return keras.tree.map_structure(lambda array: array[_local_rows(len(array))], batch)


def _local_rows(count):
    distribution = keras.distribution.distribution()
    sharding = distribution.get_data_layout((count,)).backend_layout
    parts = sharding.addressable_devices_indices_map((count,)).values()
    limits = [part.indices(count) for (part,) in parts]
    return slice(min(start for start, _, _ in limits), max(stop for _, stop, _ in limits))


def split_rows(inputs: dict[str, Any]) -> dict[str, Any]:
    """Arrays with their rows split over the devices of the current `keras.distribution`, if there is one."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return inputs
    layouts = {name: distribution.get_data_layout(array.shape).backend_layout for name, array in inputs.items()}
    return {name: _global_array(array, layouts[name]) for name, array in inputs.items()}


def _global_array(array, sharding):
    """An array, equal in all processes, on the devices of all processes."""
    array = np.asarray(array)
    return jax.make_array_from_callback(array.shape, sharding, array.__getitem__)


def with_values(run: Callable, variables: Sequence[keras.Variable]) -> Callable:
    """A function of arrays, `run(first, values of variables, *others)`, that gets the variables' current values.

    Where the variables are on the devices of several processes, which all must call it, the arrays are too; each
    process gets all of the outputs.
    """

    def call(first, *others):
        arrays = [variable.value for variable in variables]
        elsewhere = [array for array in arrays if not array.is_fully_addressable]
        if not elsewhere:
            return run(first, arrays, *others)
        everywhere = jax.sharding.NamedSharding(elsewhere[0].sharding.mesh, jax.sharding.PartitionSpec())
        first, others = jax.tree.map(lambda x: x if _is_global(x) else _global_array(x, everywhere), (first, others))
        return _copy(everywhere)(run(first, arrays, *others))

    return call


def _is_global(array):
    return isinstance(array, jax.Array) and not array.is_fully_addressable


@cache
def _copy(sharding):
    """The compiled function that copies arrays to devices."""
    return jax.jit(lambda arrays: arrays, out_shardings=sharding)


def snapshot(variables: Iterable[keras.Variable]) -> list[Any]:
    """Copies of the values of variables: NumPy arrays, under a `keras.distribution` arrays split as the variables."""
    if keras.distribution.distribution() is None:
        return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    return [jnp.copy(variable.value) for variable in variables]


@contextmanager
def whole_weights(variables: Sequence[keras.Variable]) -> Iterator[None]:
    """Within the block the values of variables are whole in each process: NumPy arrays where there are several."""
    if jax.process_count() == 1:
        yield
        return
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    copy = _copy(jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))
    arrays = [np.asarray(copy(variable.value)) for variable in variables]  # one at a time on a device
    with replaced_values(variables, arrays):
        yield
