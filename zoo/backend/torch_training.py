"""Training on torch: on a GPU one program for each shape of batches, compiled by Inductor, in place of Keras's step."""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
import torch

from zoo.backend.torch_capture import UntraceableError
from zoo.backend.torch_program import TrainingProgram, shapes_of

PAYS_FROM = 300  # batches of a shape in which a program saves the half minute that compiling it takes
UNKNOWN = 100  # batches of a shape that Keras's step trains first, where it is not known how many follow


def set_train_function(model: keras.Model, batches: int | None = None) -> None:
    """Set the training step of a compiled model: Keras's own on a CPU, `CompiledTraining` on a GPU where it pays."""
    pays = torch.cuda.is_available() and (batches is None or batches >= PAYS_FROM)
    model.train_function = CompiledTraining(model, UNKNOWN if batches is None else 0) if pays else None


class CompiledTraining:
    """The function that `keras.Model.fit` calls with each batch: a program of torch's operations for each shape.

    A network that cannot be traced, or a program that cannot be compiled, is trained by Keras's own step instead.

    Args:
        model: compiled, with its optimizer.
        delay: batches of each shape that Keras's step trains before the shape is compiled.
    """

    def __init__(self, model: keras.Model, delay: int = 0):
        self.model, self.delay = model, delay
        self.batches: Counter = Counter()  # of each shape, before it is compiled
        self.programs: dict[Any, TrainingProgram] = {}
        self.eager = False  # whether Keras's step trains
        self.pool = torch.cuda.graph_pool_handle() if torch.cuda.is_available() else None

    def __call__(self, data: Sequence) -> dict[str, Any]:
        """Train one step with `data`, a list with one batch; returns the logs, scalars on the device."""
        program, model = self._program(data[0]), self.model
        if program is None:
            return model.train_step(data[0])
        scale = model.optimizer.scale_loss(torch.ones((), device=program.device))
        logs, gradients = program(data[0], scale)
        with torch.no_grad():
            model.optimizer.apply(gradients, program.weights)
        return logs

    def _program(self, batch):
        """The program for the shape of a batch; None where Keras's step trains."""
        shapes = shapes_of(batch)
        if shapes not in self.programs and self.batches[shapes] < self.delay:
            self.batches[shapes] += 1
            return None
        if not self.eager and shapes not in self.programs:
            self.model.zero_grad()  # frees the gradients of Keras's step
            try:
                self.programs[shapes] = TrainingProgram(self.model, batch, self.pool)
            except torch.OutOfMemoryError:
                raise
            except UntraceableError:
                self.eager = True
            except Exception as error:  # of any part of the compiler
                self.eager = True
                reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                warnings.warn(f"Training without compilation, which is slower: {reason}", stacklevel=2)
        return None if self.eager else self.programs[shapes]
