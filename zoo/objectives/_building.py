"""Build and compile the Keras model of an objective on an architecture."""

from typing import TYPE_CHECKING, Any

import keras

from zoo import backend
from zoo.layers.label_loss import LabelAccuracy, LabelCrossentropy
from zoo.objectives._objective import Objective

if TYPE_CHECKING:
    from zoo.architectures import Architecture

ACCURACIES = {  # the training metric for each loss on logits
    LabelCrossentropy: lambda: LabelAccuracy(name="accuracy"),
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
    """Compile a model with the objective's loss, and with accuracy as training metric where that is a cross-entropy.

    Args:
        optimizer: a Keras optimizer, or its name.
        options: further arguments of `keras.Model.compile`, which override the defaults.

    Returns the model.
    """
    loss: Any = objective.loss(model)
    metrics = (
        {name: _accuracy(head_loss) for name, head_loss in loss.items()} if isinstance(loss, dict) else _accuracy(loss)
    )
    options = {"jit_compile": backend.JIT_COMPILE, "loss": loss, "weighted_metrics": metrics} | options
    model.compile(optimizer=optimizer, **options)
    backend.set_train_function(model)
    return model


def _accuracy(loss) -> list[keras.metrics.Metric]:
    make_metric = ACCURACIES.get(type(getattr(loss, "loss", loss)))  # `RDropLoss.loss` is the loss that it wraps
    return [make_metric()] if make_metric else []
