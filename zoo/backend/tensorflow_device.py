"""The device that TensorFlow runs on. `zoo/backend/jax_device.py` documents the functions."""

import tensorflow as tf


def has_accelerator() -> bool:
    """Whether TensorFlow sees a GPU or a TPU."""
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def accelerates_bfloat16() -> bool:
    """Whether products in bfloat16 are faster than in float32."""
    gpus = tf.config.list_physical_devices("GPU")
    capability = [tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus]
    return bool(tf.config.list_physical_devices("TPU")) or any(major >= 8 for major, _ in capability)


def free_memory() -> int | None:
    """None: TensorFlow does not tell how much memory a device has left."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the device has too little memory for a tensor."""
    return isinstance(error, tf.errors.ResourceExhaustedError)
