"""The length of a run in batches: of the run, of an epoch, and of an interval between two validations."""

from dataclasses import dataclass

import keras

from zoo.presets import Training
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.training.checkpoint import Checkpoint
from zoo.training.optimizer import schedule_of


@dataclass(frozen=True)
class RunLength:
    """The length of a run. An epoch is a pass over the training examples; after each interval there is a validation."""

    training: Training
    epoch: int  # batches of an epoch

    @property
    def total(self) -> int:
        """Batches of the run, unless it stops early."""
        training = self.training
        return training.max_steps * training.accumulation or training.epochs * self.epoch

    @property
    def interval(self) -> int:
        """Batches between two validations: an epoch, or `training.validate_every` optimizer steps."""
        return self.training.validate_every * self.training.accumulation or self.epoch

    @property
    def intervals(self) -> int:
        """Validations of the run, unless it stops early; the last interval may be shorter."""
        return -(-self.total // self.interval)

    @property
    def epochs(self) -> int:
        """Epochs of the run, the last one perhaps cut short."""
        return -(-self.total // self.epoch)

    def epochs_of(self, batches: int) -> int | float:
        """Passes over the training examples in a number of batches: a whole number as an int, others to 4 decimals."""
        epochs = batches / self.epoch
        return int(epochs) if epochs.is_integer() else round(epochs, 4)

    def describe(self) -> str:
        """ "up to 10 epochs of 60 batches"; with `max_steps` the batches of the run."""
        if self.total % self.epoch:
            text = f"up to {self.total} batches, {self.epochs_of(self.total):.2f} epochs of {self.epoch}"
        else:
            text = f"up to {self.epochs} epochs of {self.epoch} batches"
        return f"{text}, validated every {self.interval} batches," if self.training.validate_every else text

    def is_longer(self, saved: Checkpoint) -> bool:
        """Whether the run is to go on for longer than it was to when it saved a checkpoint."""
        return (saved.progress["total"], saved.progress["patience"]) != (self.total, self.training.patience)

    def check_longer(self, saved: Checkpoint) -> None:
        """Raise UserError unless this run goes on after the last checkpoint of a finished one."""
        done = saved.progress["rows"][-1]["batch"]
        if done >= self.total:
            steps = done // self.training.accumulation
            raise UserError(
                f"Expected a longer run: it has completed {self.epochs_of(done)} epochs, {steps} optimizer steps. "
                f"Received: training.epochs={self.training.epochs}, training.max_steps={self.training.max_steps}."
            )

    def report_longer(self, done: int, before: float) -> None:
        """Print how the learning rate goes on where a run is made longer.

        Args:
            done: batches so far.
            before: the last learning rate.
        """
        rate = float(keras.ops.convert_to_numpy(schedule_of(self.training, self.total)(done)))
        console.print(
            f"The run now has {self.epochs_of(self.total)} epochs, {self.total} batches. The {self.training.schedule} "
            f"schedule covers them all: the learning rate was {before:.3g} and goes on at {rate:.3g}."
        )
