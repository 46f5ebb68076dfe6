"""A model with per-layer caches: prefill with a prompt, then decode token by token, with the model's own layers."""

from typing import Any

import keras
from keras import ops

from zoo.layers.cache import DecodeContext, LayerCache
from zoo.transforms.decoding import DecodingPlan


class CachedModel:
    """A language model with KV and state caches: `prefill`, then `decode`, functions of tensors that can be compiled.

    Attributes:
        plan: the `DecodingPlan`.
        vocabulary: number of token ids.
    """

    def __init__(self, model: keras.Model):
        self.plan = DecodingPlan(model)
        self.vocabulary = model.output.shape[-1]

    def prefill(self, inputs: dict[str, Any], lengths: Any, length: int) -> tuple[Any, dict[str, Any]]:
        """Prefill: run the prompts through the network and fill the caches.

        Args:
            inputs: {name: (batch, time) ids}, right-padded.
            lengths: (batch,) tokens in each row of the decoder's input, at least 1.
            length: slots of a cache: tokens of a row, padding included, at the end of generation.

        Returns (batch, vocabulary) logits of the next token, and the cache for `decode`.
        """
        plan, time = self.plan, ops.shape(inputs[self.plan.decoder_input])[1]
        positions, padding_mask = _slots(lengths, time, length)
        values = {plan.inputs[name]: ids for name, ids in inputs.items()}
        for step in plan.encoder_steps:
            step.run(values)
        constants = [values[reference] for reference in plan.constants]
        context = DecodeContext(ops.arange(time, dtype="int32"), positions, padding_mask)
        caches = {step: LayerCache(context) for step in plan.decoder_steps if step.uses_cache}
        for step in plan.decoder_steps[: plan.last_cached + 1]:
            step.run(values, _with_cache(caches))
        for reference in plan.boundary():  # later steps see each token alone: only the last token is needed
            values[reference] = _last(values[reference], lengths)
        for step in plan.decoder_steps[plan.last_cached + 1 :]:
            step.run(values, _with_cache(caches))
        cache = {"positions": positions, "padding_mask": padding_mask, "constants": constants}
        cache |= {"layers": _states(caches), "cross": [layer_cache.cross or () for layer_cache in caches.values()]}
        return values[plan.output][:, 0], cache

    def decode(self, tokens: Any, slots: Any, cache: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Decode: run (batch, time) further tokens through the network, into the (time,) `slots` of the caches.

        Returns (batch, time, vocabulary) logits of the tokens after them, and the new cache.
        """
        plan, context = self.plan, DecodeContext(slots, cache["positions"], cache["padding_mask"])
        steps = [step for step in plan.decoder_steps if step.uses_cache]
        states = zip(steps, cache["layers"], cache["cross"], strict=True)
        caches = {
            step: LayerCache(context, tuple(state) or None, tuple(cross) or None) for step, state, cross in states
        }
        values = dict(zip(plan.constants, cache["constants"], strict=True)) | {plan.inputs[plan.decoder_input]: tokens}
        for step in plan.decoder_steps:
            step.run(values, _with_cache(caches))
        return values[plan.output], cache | {"layers": _states(caches)}


def _with_cache(caches):
    def call(step, *args, **kwargs):
        return step.layer(*args, **kwargs, **({"cache": caches[step]} if step in caches else {}))

    return call


def _states(caches):
    return [tuple(cache.state or ()) for cache in caches.values()]


def _slots(lengths, time, length):
    """`(positions, padding_mask)` of `DecodeContext`; new tokens take the slots after the prompt's padding."""
    slots = ops.arange(length, dtype="int32")[None]
    is_new, lengths = slots >= time, ops.cast(lengths, "int32")[:, None]
    positions = ops.where(is_new, lengths + slots - time, slots)
    return positions, ops.logical_or(is_new, slots < lengths)


def _last(x, lengths):
    """The features of each row's last token, (batch, 1, ...), of (batch, time, ...)."""
    index = ops.reshape(ops.cast(lengths, "int32") - 1, (-1, *[1] * (len(x.shape) - 1)))
    return ops.take_along_axis(x, index, axis=1)
