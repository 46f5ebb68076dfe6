"""AdamW on JAX whose weights change only at the last batch of gradient accumulation."""

import jax
import keras
from jax import Array

from zoo.backend.keras_private import accumulators, completes_step, update_weights


class AdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` that computes a step of the weights where one is made, at the last batch of a group.

    Keras computes it at each batch of gradient accumulation, and keeps the old weights at all but the last.
    It overrides a private hook of Keras: see `zoo.backend.keras_private.HOOKS`.
    """

    def _backend_apply_gradients(self, grads, trainable_variables):
        if not self.gradient_accumulation_steps:
            super()._backend_apply_gradients(grads, trainable_variables)
            return
        sums = accumulators(self, trainable_variables)
        variables = list({id(v): v for v in (*trainable_variables, *self.variables)}.values())
        variables = [variable for variable in variables if not any(variable is total for total in sums)]
        totals = [total.value + gradient for total, gradient in zip(sums, grads, strict=True)]

        def step(_: int, state: tuple[list[Array], list[Array]]) -> tuple[list[Array], list[Array]]:
            values, totals = state
            with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)) as scope:
                means = [total / self.gradient_accumulation_steps for total in totals]
                update_weights(self, means, trainable_variables)
            return [scope.get_current_value(v) for v in variables], [jax.numpy.zeros_like(total) for total in totals]

        values = [variable.value for variable in variables]
        steps = completes_step(self).astype("int32")  # 0 or 1: unlike a loop, `jax.lax.cond` copies all values
        values, totals = jax.lax.fori_loop(0, steps, step, (values, totals))
        for variable, value in zip([*variables, *sums], [*values, *totals], strict=True):
            variable.assign(value)
