"""The device that torch runs on. `zoo/backend/jax_device.py` documents the functions."""

import torch

from zoo.backend.torch_graph_pool import release_graphs


def has_accelerator() -> bool:
    """Whether torch sees a GPU."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def accelerates_bfloat16() -> bool:
    """Whether products in bfloat16 are faster than in float32."""
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def free_memory() -> int | None:
    """Bytes that are free on a GPU for new tensors, once idle CUDA graphs gave theirs back; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    release_graphs()
    cached = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # which torch has not given back
    return torch.cuda.mem_get_info()[0] + cached


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the device has too little memory for a tensor; on a CPU torch has no such class."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
