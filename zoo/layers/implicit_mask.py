"""Keras's implicit masks, such as that of `Embedding(mask_zero=True)`: zoo's layers take them as padding masks.

The networks of the zoo pass padding masks from layer to layer themselves, and no tensor in them has an implicit mask.
"""

import inspect
from functools import cache
from typing import Any

import keras

from zoo.backend import Tensor
from zoo.backend.keras_private import implicit_mask


class PassesMask(keras.layers.Layer):
    """A layer that passes the implicit mask of its first input on to its output."""

    def compute_mask(self, inputs: Any, previous_mask: Tensor | None = None) -> Tensor | None:
        """The mask of the output, (batch, time) booleans."""
        return previous_mask


class ImplicitMask(PassesMask):
    """A layer whose padding mask, where a call gives none, is the implicit mask of an input.

    Class attributes:
        mask_argument: the argument of `call` that takes the mask.
        masked_inputs: arguments of `call`; the mask is that of the first one that is given.
    """

    mask_argument = "padding_mask"
    masked_inputs: tuple[str, ...] = ("x",)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = self.with_implicit_mask(args, kwargs)
        return super().__call__(*args, **kwargs)

    def with_implicit_mask(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """The arguments of a call, with the implicit mask of an input where they have no padding mask."""
        names = _arguments(type(self).call)
        values = dict(zip(names, args, strict=False)) | kwargs
        if values.get("padding_mask") is None and values.get(self.mask_argument) is None:
            masked = next((values[name] for name in self.masked_inputs if values.get(name) is not None), None)
            mask = implicit_mask(masked)
            if mask is not None:
                args, kwargs = args[:1], {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}
                kwargs[self.mask_argument] = mask
        return args, kwargs


@cache
def _arguments(call):
    """The names of the arguments of a layer's `call`, without `self`."""
    return tuple(inspect.signature(call).parameters)[1:]
