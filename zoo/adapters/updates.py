"""LoRA updates: low-rank updates of all target kernels of a model.

Hu et al. 2021, https://arxiv.org/abs/2106.09685. Paths of kernels are those of weights, such as
"block0_attention/query/kernel" or "layer0_forwards/recurrent_kernel".
"""

import re
from collections.abc import Collection

import keras

from zoo.backend.keras_private import all_layers
from zoo.layers.lora import attach, disable_lora, enable_lora, merge
from zoo.presets import LoRA
from zoo.runtime.errors import UserError


class LoRAUpdates:
    """Low-rank updates of a model's kernels.

    Args:
        model: a `keras.Model`; its kernels have the updates until `merge` or `disable`.
        lora: rank, scale, dropout and targets of the updates.
        backbone: paths of the backbone's weights.

    Attributes:
        targets: {path of a kernel: (layer, attribute)}.

    Raises UserError where `lora.targets` matches no kernel of the backbone.
    """

    def __init__(self, model: keras.Model, lora: LoRA, backbone: Collection[str]):
        candidates = {path: target for path, target in sorted(kernels(model).items()) if path in backbone}
        pattern = _regex(lora.targets)
        self.targets = {path: target for path, target in candidates.items() if pattern.search(path)}
        if not self.targets:
            names = ", ".join(dict.fromkeys(re.sub(r"\d+", "0", path) for path in candidates)) or "none"
            raise UserError(
                f"Expected lora.targets to be found in a kernel's path. Received: {lora.targets!r}. Kernels: {names}."
            )
        options = lora.rank, lora.alpha / lora.rank, lora.dropout
        self.layers = {path: attach(*target, *options) for path, target in self.targets.items()}

    def weights(self) -> dict[str, keras.Variable]:
        """{name: weight}: PATH.a and PATH.b for the kernel at PATH."""
        pairs = ((path, layer) for path, layer in self.layers.items())
        return {f"{path}.{part}": getattr(layer, part) for path, layer in pairs for part in ("a", "b")}

    def merge(self) -> None:
        """Add the updates to their kernels, and detach them."""
        for target in self.targets.values():
            merge(*target)

    def enable(self) -> None:
        """Attach the updates to the kernels."""
        for path, target in self.targets.items():
            enable_lora(*target, self.layers[path])

    def disable(self) -> None:
        """Detach the updates from the kernels."""
        for target in self.targets.values():
            disable_lora(*target)


def kernels(model: keras.Model) -> dict[str, tuple[keras.layers.Layer, str]]:
    """{path: (layer, attribute)} of all kernels that support LoRA."""
    targets = ((layer, name) for layer in all_layers(model) for name in getattr(layer, "lora_targets", ()))
    return {getattr(layer, name).path: (layer, name) for layer, name in targets}


def rebuild_model(model: keras.Model) -> keras.Model:
    """A new `keras.Model` of the same layers, uncompiled, that tracks their current weights."""
    return keras.Model(model.input, model.output)


def _regex(pattern):
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UserError(f"Expected lora.targets to be a regular expression ({error}). Received: {pattern!r}.") from None
