"""LoRA: a frozen backbone whose kernels learn low-rank updates, and a head that learns as a whole.

Hu et al. 2021, https://arxiv.org/abs/2106.09685. The paths of kernels are those of their weights, such as
"block0_attention/query/kernel" or "layer0_forwards/recurrent_kernel".
"""

import re

import keras

from zoo.backend.keras_private import all_layers
from zoo.layers.lora import attach, merge, switch_off, switch_on
from zoo.runtime.errors import UserError


class LoRAUpdates:
    """Low-rank updates of a model's kernels. Raises UserError where no kernel of the backbone fits the pattern.

    Args:
        model: a `keras.Model`; its kernels have the updates until `merge` or `switch_off`.
        lora: a `zoo.presets._preset.LoRA`.
        backbone: paths of the backbone's weights.
    """

    def __init__(self, model, lora, backbone):
        known = {path: place for path, place in sorted(kernels(model).items()) if path in backbone}
        self.places = {path: place for path, place in known.items() if _compiled(lora.targets).search(path)}
        if not self.places:
            kinds = ", ".join(dict.fromkeys(re.sub(r"\d+", "0", path) for path in known)) or "none"
            raise UserError(
                f"Expected lora.targets to be found in a kernel's path. Received: {lora.targets!r}. Kernels: {kinds}."
            )
        options = lora.rank, lora.alpha / lora.rank, lora.dropout
        self.layers = {path: attach(*place, *options) for path, place in self.places.items()}

    def weights(self):
        """{name: weight}: those of PATH are called PATH.a and PATH.b."""
        pairs = ((path, layer) for path, layer in self.layers.items())
        return {f"{path}.{part}": getattr(layer, part) for path, layer in pairs for part in ("a", "b")}

    def merge(self):
        """Add the updates to their kernels for good."""
        for place in self.places.values():
            merge(*place)

    def switch_on(self):
        """Let the kernels have these updates."""
        for path, place in self.places.items():
            switch_on(*place, self.layers[path])

    def switch_off(self):
        """Take the updates away from the kernels."""
        for place in self.places.values():
            switch_off(*place)


def kernels(model):
    """{path: (layer, attribute)} of all kernels that a low-rank update can be given."""
    layers = ((layer, name) for layer in all_layers(model) for name in getattr(layer, "adaptable", ()))
    return {getattr(layer, name).path: (layer, name) for layer, name in layers}


def renewed(model):
    """A `keras.Model` of the same layers that knows the weights which they have now, and has compiled nothing."""
    return keras.Model(model.input, model.output)


def _compiled(pattern):
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UserError(f"Expected lora.targets to be a regular expression ({error}). Received: {pattern!r}.") from None
