"""The device that JAX runs on."""

import jax


def has_accelerator() -> bool:
    """Whether the framework sees a GPU or a TPU."""
    return any(device.platform != "cpu" for device in jax.devices())


def accelerates_bfloat16() -> bool:
    """Whether products in bfloat16 are faster than in float32: on TPUs, and on NVIDIA's GPUs since Ampere."""
    device = jax.devices()[0]
    major = str(getattr(device, "compute_capability", "")).partition(".")[0]  # "gfx90a" on GPUs of AMD
    return device.platform == "tpu" or (major.isdigit() and int(major) >= 8)


def free_memory() -> int | None:
    """Bytes that are free on the accelerator for new arrays; None without one, and where that is unknown."""
    statistics = jax.local_devices()[0].memory_stats()
    return statistics["bytes_limit"] - statistics["bytes_in_use"] if statistics else None


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the device has too little memory for an array."""
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
