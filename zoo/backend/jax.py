"""What the zoo asks of JAX beyond `keras.ops`."""


def random_state():
    """Global random state as {name: array}: JAX has none, dropout's seeds are variables of the model."""
    return {}


def set_random_state(state):
    """Put back what `random_state` returned."""


def feed(stream, signature):
    """What `keras.Model.fit` reads from: `stream()` yields (inputs, targets, weights) as NumPy arrays."""
    return stream()
