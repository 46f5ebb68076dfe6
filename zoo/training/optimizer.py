"""AdamW with warm-up, learning-rate decay, gradient clipping and no weight decay on biases and norms.

Loshchilov & Hutter 2019 (arXiv:1711.05101); which weights decay: Devlin 2018 (arXiv:1810.04805), appendix A.2.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby

import keras

from zoo import backend
from zoo.backend.keras_private import completes_step, moving_averages, uses_weight_decay
from zoo.presets import Training
from zoo.runtime.errors import UserError
from zoo.training.checkpoint import assign

SCHEDULES = ("linear", "cosine", "constant")


@keras.saving.register_keras_serializable("zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning-rate schedule: linear warm-up to `peak`, then decay to `min_factor` times the peak.

    Args:
        peak: the highest learning rate.
        warmup: steps of the warm-up.
        total: steps after which the decay ends.
        decay: "linear", "cosine" (Loshchilov & Hutter 2017, arXiv:1608.03983) or "constant" (stay at the peak).
        min_factor: share of the peak that the decay ends at.
        offset: steps of the run before the optimizer's first step.
    """

    def __init__(
        self, peak: float, warmup: int, total: int, decay: str, min_factor: float = 0.0, offset: int = 0
    ) -> None:
        super().__init__()
        if decay not in SCHEDULES:
            raise UserError(f"Expected training.schedule to be one of {', '.join(SCHEDULES)}. Received: {decay!r}.")
        self.peak, self.warmup, self.total, self.decay, self.min_factor = peak, warmup, total, decay, min_factor
        self.offset = offset

    def __call__(self, step):
        step = keras.ops.cast(step, "float32") + self.offset
        rise = (step + 1) / max(self.warmup, 1)
        progress = keras.ops.clip((step - self.warmup) / max(self.total - self.warmup, 1), 0.0, 1.0)
        fall = self.min_factor + (1 - self.min_factor) * self._fall(progress)
        return self.peak * keras.ops.where(step < self.warmup, rise, fall)

    def _fall(self, progress):
        if self.decay == "linear":
            return 1.0 - progress
        if self.decay == "cosine":
            return 0.5 * (1.0 + keras.ops.cos(math.pi * progress))
        return keras.ops.ones_like(progress)

    def get_config(self) -> dict:
        return {name: getattr(self, name) for name in ("peak", "warmup", "total", "decay", "min_factor", "offset")}


class LayerwiseAdamW(backend.AdamW):
    """AdamW with layer-wise learning rates: a factor for each weight.

    Args:
        lr_scales: {path of a weight: factor of its learning rate and weight decay}; 1 for all others.
        options: of `keras.optimizers.AdamW`.
    """

    def __init__(self, lr_scales: Mapping[str, float], **options) -> None:
        super().__init__(**options)
        self.lr_scales = lr_scales

    def finalize_variable_values(self, var_list):
        """Keep the last weights at the end of `fit`, which a run may call several times; `ema_weights` has the EMA."""

    def _groups(self, variables):
        """(factor, indices of the variables with that factor) for each factor."""
        scales = [self.lr_scales.get(variable.path, 1.0) for variable in variables]
        order = sorted(range(len(scales)), key=lambda i: scales[i])
        return [(scale, list(indices)) for scale, indices in groupby(order, key=lambda i: scales[i])]

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for scale, indices in self._groups(trainable_variables):
            group = ([items[i] for i in indices] for items in (grads, trainable_variables))
            super()._backend_update_step(*group, learning_rate * scale)

    def _apply_weight_decay(self, variables):
        variables, decay = [variable for variable in variables if uses_weight_decay(self, variable)], self.weight_decay
        for scale, indices in self._groups(variables):
            self.weight_decay = decay * scale
            super()._apply_weight_decay([variables[i] for i in indices])
        self.weight_decay = decay

    def _update_model_variables_moving_average(self, trainable_variables):
        backend.lerp(moving_averages(self), trainable_variables, 1.0 - self._ema_decay())

    def _ema_decay(self):
        """Decay of the EMA after this batch: min(ema, (1 + n) / (10 + n)) once the optimizer has made n steps.

        The ramp is that of TensorFlow's `ExponentialMovingAverage` with `num_updates`: the random start is soon
        forgotten. The first step begins the average; between the steps of gradient accumulation it stays.
        """
        n = keras.ops.cast(self.iterations, "float32")
        decay = keras.ops.where(n > 0, keras.ops.minimum(self.ema_momentum, (1.0 + n) / (10.0 + n)), 0.0)
        return keras.ops.where(completes_step(self), decay, 1.0)


@contextmanager
def ema_weights(model: keras.Model) -> Iterator[None]:
    """Swap in the exponential moving average (EMA) of the weights within the block, if the optimizer keeps one.

    Polyak & Juditsky 1992, https://doi.org/10.1137/0330046
    """
    # mixed_float16 wraps it in a LossScaleOptimizer
    adamw = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not adamw.use_ema:
        yield
        return
    last = backend.snapshot(model.trainable_variables)
    assign(model.trainable_variables, backend.snapshot(moving_averages(adamw)))
    try:
        yield
    finally:
        assign(model.trainable_variables, last)


def schedule_of(training: Training, batches: int, offset: int = 0) -> WarmupDecay:
    """The learning-rate schedule of a run of `batches` batches, `offset` of which precede the optimizer's first."""
    warmup, peak = round(batches * training.warmup), training.learning_rate
    return WarmupDecay(peak, warmup, batches, training.schedule, training.min_lr_factor, offset)


def build_optimizer(
    training: Training,
    model: keras.Model,
    batches: int,
    lr_scales: Mapping[str, float] | None = None,
    offset: int = 0,
) -> LayerwiseAdamW:
    """AdamW for the trainable weights of `model`, configured by a preset's `Training`.

    Args:
        batches: of the whole run.
        lr_scales: of `LayerwiseAdamW`.
        offset: batches of the run that precede this optimizer.

    The schedule counts batches, not optimizer steps: so does Keras under gradient accumulation.
    """
    adamw = LayerwiseAdamW(
        lr_scales or {},
        learning_rate=schedule_of(training, batches, offset),
        weight_decay=training.weight_decay,
        beta_1=training.beta_1,
        beta_2=training.beta_2,
        global_clipnorm=training.clip_norm or None,
        use_ema=training.ema > 0,
        ema_momentum=training.ema,
        ema_overwrite_frequency=None,  # never: training continues from the last weights
        gradient_accumulation_steps=training.accumulation if training.accumulation > 1 else None,
    )
    adamw.exclude_from_weight_decay(var_list=[weight for weight in model.trainable_variables if len(weight.shape) < 2])
    adamw.build(model.trainable_variables)
    return adamw
