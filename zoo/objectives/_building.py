"""The compiled model of an objective on an architecture."""

from typing import TYPE_CHECKING, Any

import keras

from zoo import backend
from zoo.objectives._objective import Objective

if TYPE_CHECKING:
    from zoo.architectures import Architecture

ACCURACIES = {  # the training metric that a loss on logits brings along
    keras.losses.CategoricalCrossentropy: lambda: keras.metrics.CategoricalAccuracy(name="accuracy"),
    keras.losses.SparseCategoricalCrossentropy: lambda: keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
    keras.losses.BinaryCrossentropy: lambda: keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
}


def build_model(objective: Objective, architecture: "Architecture") -> keras.Model:
    """The architecture's backbone with the objective's head.

    Raises UserError, with the reason, where the architecture cannot serve the objective.
    """
    objective.check_architecture(architecture)
    return objective.head(architecture, architecture.backbone())


def compile_model(
    objective: Objective, model: keras.Model, optimizer: "str | keras.optimizers.Optimizer" = "adamw", **options: Any
) -> keras.Model:
    """Compile a model with the objective's loss; a cross-entropy brings the accuracy as a training metric.

    Args:
        optimizer: a Keras optimizer, or its name.
        options: of `keras.Model.compile`, in place of the defaults.

    Returns the model.
    """
    loss: Any = objective.loss(model)
    metrics = {name: _accuracy(part) for name, part in loss.items()} if isinstance(loss, dict) else _accuracy(loss)
    options = {"jit_compile": backend.JIT_COMPILE, "loss": loss, "weighted_metrics": metrics} | options
    model.compile(optimizer=optimizer, **options)
    return model


def _accuracy(loss) -> list[keras.metrics.Metric]:
    make = ACCURACIES.get(type(getattr(loss, "loss", loss)))
    return [make()] if make else []
