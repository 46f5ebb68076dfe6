"""AdamW as fine-tuning papers use it: warm-up, decay, clipping, no weight decay on biases and norms.

Loshchilov & Hutter 2019 (arXiv:1711.05101); which weights decay: Devlin 2018 (arXiv:1810.04805), appendix A.2.
"""

import math
from contextlib import contextmanager
from itertools import groupby

import keras

from zoo import backend
from zoo.training.checkpoint import assign, values

SCHEDULES = ("linear", "cosine", "constant")


@keras.saving.register_keras_serializable("zoo")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to `peak` in `warmup` steps, then fall to `floor` times that at `total` steps.

    Args:
        decay: "linear", "cosine" (Loshchilov & Hutter 2017, arXiv:1608.03983) or "constant" (stay at the peak).
        begun: steps that were done before the first one.
    """

    def __init__(self, peak, warmup, total, decay, floor=0.0, begun=0):
        super().__init__()
        if decay not in SCHEDULES:
            raise ValueError(f"Expected training.schedule to be one of {', '.join(SCHEDULES)}. Received: {decay!r}.")
        self.peak, self.warmup, self.total, self.decay, self.floor = peak, warmup, total, decay, floor
        self.begun = begun

    def __call__(self, step):
        step = keras.ops.cast(step, "float32") + self.begun
        rise = (step + 1) / max(self.warmup, 1)
        gone = keras.ops.clip((step - self.warmup) / max(self.total - self.warmup, 1), 0.0, 1.0)
        return self.peak * keras.ops.where(step < self.warmup, rise, self.floor + (1 - self.floor) * self._fall(gone))

    def _fall(self, gone):
        if self.decay == "linear":
            return 1.0 - gone
        return 0.5 * (1.0 + keras.ops.cos(math.pi * gone)) if self.decay == "cosine" else keras.ops.ones_like(gone)

    def get_config(self):
        return {name: getattr(self, name) for name in ("peak", "warmup", "total", "decay", "floor", "begun")}


class LayerwiseAdamW(backend.AdamW):
    """AdamW by which each weight learns at a pace of its own.

    Args:
        paces: {path of a weight: factor of its learning rate, so of its decay too}; of others it is 1.
    """

    def __init__(self, paces, **options):
        super().__init__(**options)
        self.paces = paces

    def finalize_variable_values(self, var_list):
        """Leave the last weights at the end of `fit`, which may be one of several; `averaged` shows the average."""

    def _groups(self, variables):
        """(pace, numbers of the variables with that pace) for each pace."""
        paces = [self.paces.get(variable.path, 1.0) for variable in variables]
        order = sorted(range(len(paces)), key=lambda i: paces[i])
        return [(pace, list(places)) for pace, places in groupby(order, key=lambda i: paces[i])]

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for pace, places in self._groups(trainable_variables):
            some = ([of[i] for i in places] for of in (grads, trainable_variables))
            super()._backend_update_step(*some, learning_rate * pace)

    def _apply_weight_decay(self, variables):
        variables, decay = [variable for variable in variables if self._use_weight_decay(variable)], self.weight_decay
        for pace, places in self._groups(variables):
            self.weight_decay = decay * pace
            super()._apply_weight_decay([variables[i] for i in places])
        self.weight_decay = decay


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


def optimizer(training, model, batches, paces=None, begun=0):
    """AdamW for those weights of `model` that learn, set up by a preset's `Training`, for a run of so many batches.

    Args:
        paces: those of `LayerwiseAdamW`.
        begun: batches of the run that are done.

    The schedule counts batches, not optimizer steps: that is the step Keras hands it under gradient accumulation.
    """
    warmup = round(batches * training.warmup)
    schedule = WarmupDecay(training.learning_rate, warmup, batches, training.schedule, training.floor, begun)
    adamw = LayerwiseAdamW(
        paces or {},
        learning_rate=schedule,
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
