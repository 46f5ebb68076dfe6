"""AdamW as fine-tuning papers use it: warm-up, decay, clipping, no weight decay on biases and norms.

Loshchilov & Hutter 2019 (arXiv:1711.05101); which weights decay: Devlin 2018 (arXiv:1810.04805), appendix A.2.
"""

import math
from contextlib import contextmanager

import keras

from zoo import backend
from zoo.training.checkpoint import assign, values

SCHEDULES = ("linear", "cosine", "constant")


@keras.saving.register_keras_serializable("zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to `peak` in `warmup` steps, then fall to `floor` times that at `total` steps.

    Args:
        decay: "linear", "cosine" (Loshchilov & Hutter 2017, arXiv:1608.03983) or "constant" (stay at the peak).
    """

    def __init__(self, peak, warmup, total, decay, floor=0.0):
        super().__init__()
        if decay not in SCHEDULES:
            raise ValueError(f"Expected training.schedule to be one of {', '.join(SCHEDULES)}. Received: {decay!r}.")
        self.peak, self.warmup, self.total, self.decay, self.floor = peak, warmup, total, decay, floor

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rise = (step + 1) / max(self.warmup, 1)
        gone = keras.ops.clip((step - self.warmup) / max(self.total - self.warmup, 1), 0.0, 1.0)
        return self.peak * keras.ops.where(step < self.warmup, rise, self.floor + (1 - self.floor) * self._fall(gone))

    def _fall(self, gone):
        if self.decay == "linear":
            return 1.0 - gone
        return 0.5 * (1.0 + keras.ops.cos(math.pi * gone)) if self.decay == "cosine" else keras.ops.ones_like(gone)

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup, "total": self.total, "decay": self.decay, "floor": self.floor}


@contextmanager
def averaged(model):
    """Within the block the model has the moving average of its weights (Polyak & Juditsky 1992), if it keeps one.

    https://doi.org/10.1137/0330046
    """
    adamw = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # float16 wraps it to scale the loss
    if not adamw.use_ema:
        yield
        return
    last = values(model.trainable_variables)
    assign(model.trainable_variables, values(adamw._model_variables_moving_average))
    yield
    assign(model.trainable_variables, last)


def optimizer(training, model, batches):
    """AdamW for `model`, set up by a preset's `Training`, for a run of so many batches.

    The schedule counts batches, not optimizer steps: that is the step Keras hands it under gradient accumulation.
    """
    warmup = round(batches * training.warmup)
    schedule = WarmupDecay(training.learning_rate, warmup, batches, training.schedule, training.floor)
    adamw = backend.AdamW(
        schedule,
        weight_decay=training.weight_decay,
        beta_1=training.momentum,
        beta_2=training.memory,
        global_clipnorm=training.clip or None,
        use_ema=training.average > 0,
        ema_momentum=training.average,
        ema_overwrite_frequency=None,  # training goes on from the last weights
        gradient_accumulation_steps=training.accumulation if training.accumulation > 1 else None,
    )
    adamw.exclude_from_weight_decay(var_list=[weight for weight in model.trainable_variables if len(weight.shape) < 2])
    adamw.build(model.trainable_variables)
    return adamw
