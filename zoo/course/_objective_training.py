"""Training of an objective on arrays of token ids: batches drawn at random, for a number of optimizer steps."""

from typing import Any, NamedTuple

import keras
import numpy as np

from zoo.architectures import Architecture
from zoo.architectures.gpt2 import GPT2
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.course._training import adam
from zoo.objectives import Objective, compile_model

BATCH_SIZE = 32


class Arrays(NamedTuple):
    """Training examples as `fit` takes them: see the table of targets in docs/objectives.md."""

    inputs: dict[str, np.ndarray]  # by input of the network
    targets: np.ndarray
    weights: np.ndarray | None = None  # of targets in the loss; None: 1

    def take(self, rows: np.ndarray) -> "Arrays":
        """The examples of these row numbers."""
        inputs = {name: array[rows] for name, array in self.inputs.items()}
        return Arrays(inputs, self.targets[rows], None if self.weights is None else self.weights[rows])


class Network(NamedTuple):
    """A backbone, and the model that it is with the head of an objective; both share their weights."""

    backbone: keras.Model
    model: keras.Model
    objective: Objective

    def features(self, tokens: np.ndarray) -> np.ndarray:
        """The backbone's features of (rows, time) ids."""
        return predict(self.backbone, {"tokens": tokens})


def encoder(vocabulary: int, width: int, heads: int) -> TransformerEncoder:
    """A Transformer encoder of two blocks, with rotary positions and without dropout."""
    return TransformerEncoder(
        vocabulary=vocabulary,
        width=width,
        depth=2,
        heads=heads,
        hidden=2 * width,
        positions="rotary",
        word_dropout=0.0,
        embedding_dropout=0.0,
        dropout=0.0,
    )


def decoder(vocabulary: int, width: int, heads: int, length: int) -> GPT2:
    """A GPT-2 of two blocks, for texts of up to `length` ids, without dropout."""
    sizes: dict[str, Any] = {"vocabulary": vocabulary, "width": width, "heads": heads, "length": length}
    return GPT2(**sizes, depth=2, hidden=2 * width, dropout=0.0)


def network(architecture: Architecture, objective: Objective) -> Network:
    """Build the network of an architecture and an objective, with random weights."""
    objective = objective.preparation(architecture).objective
    backbone = architecture.backbone()
    return Network(backbone, objective.head(architecture, backbone), objective)


def compile_steps(trained: Network, steps: int, learning_rate: float) -> None:
    """Compile with `adam`, for so many steps."""
    compile_model(trained.objective, trained.model, adam(steps, learning_rate))


def fit_steps(
    trained: Network, arrays: Arrays, steps: int, random: np.random.Generator, batch_size: int = BATCH_SIZE
) -> None:
    """Train for some steps of the optimizer, each on a batch of the examples, drawn with replacement."""
    batches = arrays.take(random.integers(0, len(arrays.targets), steps * batch_size))
    options = {"sample_weight": batches.weights, "batch_size": batch_size, "shuffle": False, "verbose": 0}
    trained.model.fit(batches.inputs, batches.targets, **options)


def train_steps(
    trained: Network, arrays: Arrays, steps: int, random: np.random.Generator, learning_rate: float = 3e-3
) -> None:
    """`compile_steps`, then `fit_steps`."""
    compile_steps(trained, steps, learning_rate)
    fit_steps(trained, arrays, steps, random)


def predict(model: keras.Model, inputs: dict[str, np.ndarray], batch_size: int = 256) -> np.ndarray:
    """The outputs of a model, in batches of one shape."""
    return np.asarray(model.predict(inputs, batch_size=batch_size, verbose=0))
