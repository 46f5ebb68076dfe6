"""A network that reads a text once and then goes on token by token: the drawing's own layers, with memories."""

import keras
from keras import ops

from zoo.layers.cache import DecodeContext, LayerCache
from zoo.transforms.decoding import DecodingPlan


class CachedModel:
    """What `keras.Model` computes, for texts that grow. All functions are of tensors alone, so they can be compiled."""

    def __init__(self, model):
        self.plan = DecodingPlan(model)
        self.vocabulary = model.output.shape[-1]

    def begin(self, inputs, lengths, length):
        """Read the beginnings of texts.

        Args:
            inputs: {name: (batch, time) ids}, right-padded.
            lengths: (batch,): tokens of each row of the input that is written, at least 1.
            length: tokens of a row, padding included, that there will be room for.

        Returns (batch, vocabulary) logits of the next token and what `go_on` needs to know.
        """
        plan, time = self.plan, ops.shape(inputs[self.plan.written])[1]
        positions, padding_mask = _places(lengths, time, length)
        values = {plan.inputs[name]: ids for name, ids in inputs.items()}
        for step in plan.once:
            step.run(values, _call)
        state = {"positions": positions, "padding_mask": padding_mask, "kept": [values[place] for place in plan.kept]}
        reading = DecodeContext(ops.arange(time, dtype="int32"), positions, padding_mask)
        caches = {step: LayerCache(reading) for step in plan.each if step.remembers}
        for step in plan.each[: plan.last + 1]:
            step.run(values, _remembering(caches))
        for place in plan.crossing():  # what follows looks at each token alone: the last one will do
            values[place] = _last(values[place], lengths)
        for step in plan.each[plan.last + 1 :]:
            step.run(values, _remembering(caches))
        sources = [cache.cross or () for cache in caches.values()]
        return values[plan.output][:, 0], state | {"arrays": _arrays(caches), "sources": sources}

    def go_on(self, tokens, places, state):
        """Read (batch, time) further tokens into the (time,) `places` of memory.

        Returns (batch, time, vocabulary) logits of the tokens after them, and the new state.
        """
        plan, reading = self.plan, DecodeContext(places, state["positions"], state["padding_mask"])
        steps = [step for step in plan.each if step.remembers]
        known = zip(steps, state["arrays"], state["sources"], strict=True)
        caches = {step: LayerCache(reading, *(tuple(some) or None for some in each)) for step, *each in known}
        values = dict(zip(plan.kept, state["kept"], strict=True)) | {plan.inputs[plan.written]: tokens}
        for step in plan.each:
            step.run(values, _remembering(caches))
        return values[plan.output], state | {"arrays": _arrays(caches)}


def _call(step, *args, **kwargs):
    return step.layer(*args, **kwargs)


def _remembering(caches):
    def call(step, *args, **kwargs):
        return step.layer(*args, **kwargs, **({"cache": caches[step]} if step in caches else {}))

    return call


def _arrays(caches):
    return [tuple(cache.state or ()) for cache in caches.values()]


def _places(lengths, time, length):
    """`(positions, padding_mask)` of `zoo.layers.cache.DecodeContext`, where new tokens follow after the padding of the first."""
    places = ops.arange(length, dtype="int32")[None]
    new, lengths = places >= time, ops.cast(lengths, "int32")[:, None]
    positions = ops.where(new, lengths + places - time, places)
    return positions, ops.logical_or(new, places < lengths)


def _last(x, lengths):
    """The last token's part, (batch, 1, ...), of (batch, time, ...)."""
    at = keras.ops.reshape(ops.cast(lengths, "int32") - 1, (-1, *[1] * (len(x.shape) - 1)))
    return ops.take_along_axis(x, at, axis=1)
