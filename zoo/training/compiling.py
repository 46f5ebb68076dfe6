"""Compilation of a run: AdamW and the objective's loss, or an optimizer, a loss and metrics of the caller's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import keras

from zoo.objectives import Objective, compile_model
from zoo.presets import Preset, Training
from zoo.runtime.errors import UserError
from zoo.training.checkpoint import Checkpoint
from zoo.training.optimizer import build_optimizer, schedule_of

ADAMW_ONLY = ("beta_1", "beta_2", "ema")  # settings of `Training` that no other optimizer takes


@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """An optimizer, a loss and metrics in place of the run's own: see `zoo.train`.

    A run is resumed with options of the same names; preset.json cannot hold them.
    """

    optimizer: Callable[..., keras.optimizers.Optimizer] | None = None
    loss: Any = None
    metrics: Sequence[Any] = ()

    def check(self, preset: Preset) -> None:
        """Raise UserError for options that are none, and for settings of the preset that they leave without effect."""
        if self.optimizer is not None and not callable(self.optimizer):
            raise UserError(
                "Expected optimizer to be a Keras optimizer's class, or a function that takes its arguments. "
                f"Received: optimizer={_name(self.optimizer)}, an instance. Such as optimizer=keras.optimizers.Lion."
            )
        default, training = Training(), preset.training
        changed = [f"training.{name}" for name in ADAMW_ONLY if getattr(training, name) != getattr(default, name)]
        changed += ["tuning.layer_decay"] if preset.tuning.layer_decay != 1 else []
        if self.optimizer is not None and changed:
            raise UserError(f"Expected AdamW for {', '.join(changed)}. Received: optimizer={_name(self.optimizer)}.")
        if self.loss is not None and getattr(preset.objective, "rdrop", 0):
            raise UserError(
                f"Expected the objective's own loss for objective.rdrop. Received: loss={_name(self.loss)}."
            )

    def compile_stage(
        self,
        objective: Objective,
        model: keras.Model,
        training: Training,
        batches: int,
        lr_scales: Mapping[str, float],
        offset: int,
    ) -> None:
        """Compile a model for a stage of a run; `batches`, `lr_scales` and `offset` are those of `build_optimizer`."""
        if self.optimizer is None:
            optimizer = build_optimizer(training, model, batches, lr_scales, offset)
        else:
            optimizer = self._own_optimizer(self.optimizer, training, model, batches, offset)
        options = {} if self.loss is None else {"loss": self.loss}
        compile_model(objective, model, optimizer, **options | ({"metrics": self.metrics} if self.metrics else {}))

    def _own_optimizer(self, make, training, model, batches, offset):
        optimizer = make(
            learning_rate=schedule_of(training, batches, offset),
            weight_decay=training.weight_decay or None,
            global_clipnorm=training.clip_norm or None,
            gradient_accumulation_steps=training.accumulation if training.accumulation > 1 else None,
        )
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise UserError(f"Expected optimizer to return a Keras optimizer. Received: {_name(optimizer)}.")
        optimizer.exclude_from_weight_decay(var_list=[w for w in model.trainable_variables if len(w.shape) < 2])
        optimizer.build(model.trainable_variables)
        return optimizer

    def names(self) -> dict[str, str]:
        """The name of each option, "" where it is the run's own; a checkpoint has them."""
        names = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: "" if value is None or value == () else _name(value) for name, value in names.items()}

    def check_resumed(self, saved: Checkpoint) -> None:
        """Raise UserError where a run that is resumed was compiled with other options."""
        before = saved.progress.get("compiled", {})
        for option, name in self.names().items():
            if name != before.get(option, ""):
                raise UserError(
                    f"Expected {option}={before.get(option) or None}, with which the run began. "
                    f"Received: {option}={name or None}. Resume in Python with the same, or start again with restart."
                )


def _name(thing):
    """The name of a class, a function or an object's class; of a list or a dict those of its items."""
    if isinstance(thing, Mapping):
        return ", ".join(f"{key}: {_name(item)}" for key, item in thing.items())
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return ", ".join(map(_name, thing))
    return thing if isinstance(thing, str) else getattr(thing, "__name__", type(thing).__name__)


def check_callbacks(callbacks: Sequence[Any]) -> None:
    """Raise UserError for a callback that is not one of Keras."""
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            received = callback.__name__ if isinstance(callback, type) else repr(callback)[:80]
            raise UserError(f"Expected callbacks to be instances of keras.callbacks.Callback. Received: {received}.")
