"""What the zoo asks of PyTorch beyond `keras.ops`."""

import numpy as np
import torch


def random_state():
    """Global random states as {name: array}: Keras's dropout draws from torch's own generators."""
    state = {"cpu": torch.get_rng_state().numpy()}
    devices = enumerate(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])
    return state | {f"cuda{i}": device.numpy() for i, device in devices}


def set_random_state(state):
    """Put back what `random_state` returned."""
    torch.set_rng_state(torch.from_numpy(np.array(state["cpu"])))
    for name in sorted(set(state) - {"cpu"}):
        torch.cuda.set_rng_state(torch.from_numpy(np.array(state[name])), name)


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays."""
    return stream()
