"""Training of the small networks of the experiments: classifiers of token ids, one pass over synthetic examples."""

from typing import Any

import keras
import numpy as np

from zoo.architectures import Architecture
from zoo.build import build
from zoo.objectives.classify_text import ClassifyText

PREDICT_BATCH = 256  # rows of a prediction: one compiled shape for all of them


def classifier(architecture: Architecture, classes: int, pooling: str | None = None) -> keras.Model:
    """A network from {"tokens": (batch, time) ids} to (batch, classes) logits, without dropout in its head.

    Args:
        pooling: over time: max, mean, first or last; None: the architecture's own.
    """
    labels = tuple(str(number) for number in range(classes))
    return build(architecture, ClassifyText(labels=labels, pooling=pooling, dropout=0.0))


def adam(steps: int, learning_rate: float) -> keras.optimizers.Adam:
    """Adam with warm-up over a tenth of the steps, then cosine decay to zero; gradients are clipped to norm 1."""
    warmup = max(steps // 10, 1)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=learning_rate, warmup_steps=warmup)
    return keras.optimizers.Adam(schedule, clipnorm=1.0)


def train(
    model: keras.Model, inputs: Any, targets: np.ndarray, learning_rate: float, batch_size: int = 64
) -> keras.callbacks.History:
    """One pass over the examples with `adam`; the loss is the cross-entropy of the logits and the integer targets.

    Args:
        inputs: arrays by name of the network's input, or one array.
        targets: integer classes, (examples,) or (examples, time).

    Returns Keras's history of the pass. Examples beyond the last full batch are left out.
    """
    steps = len(targets) // batch_size
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=adam(steps, learning_rate), loss=loss, jit_compile=model.jit_compile)
    count = steps * batch_size
    inputs = {name: array[:count] for name, array in inputs.items()} if isinstance(inputs, dict) else inputs[:count]
    return model.fit(inputs, targets[:count], batch_size=batch_size, shuffle=False, verbose=0)


def predict(model: keras.Model, inputs: Any) -> np.ndarray:
    """The most probable class of each example, or of each of its positions.

    Args:
        inputs: arrays by name of the network's input, or one array.
    """
    return np.argmax(model.predict(inputs, batch_size=PREDICT_BATCH, verbose=0), axis=-1)
