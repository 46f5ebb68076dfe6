"""Parameter mappings of T5: versions 1.0 and 1.1 in configurations of transformers and in presets of KerasHub."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo.architectures import Architecture
from zoo.architectures._pretrained import HuggingFaceMapping, KerasHubMapping
from zoo.runtime.errors import UserError

ACTIVATIONS = {False: "relu", True: "gated-gelu"}  # `gated`: `feed_forward_proj` in config.json
HUB_ACTIVATIONS = {False: "relu", True: "gelu_approximate"}  # the same in KerasHub


class T5Mapping(HuggingFaceMapping):
    """Mapping of T5 1.0 and 1.1, which differ in config.json by `feed_forward_proj` and `tie_word_embeddings`."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        projection = config["feed_forward_proj"]
        if projection not in ACTIVATIONS.values():
            raise UserError(
                f"Expected feed_forward_proj of relu or gated-gelu in config.json. Received: {projection!r:.60}."
            )
        gated = projection != "relu"
        function = {"dense_act_fn": "gelu_new" if gated else "relu", "is_gated_act": gated}
        if any(config.get(key, value) != value for key, value in function.items()):
            raise UserError(f"Expected {function} beside feed_forward_proj={projection} in config.json.")
        if config.get("num_decoder_layers") not in (None, config["num_layers"]):
            raise UserError(
                "Expected as many layers in the decoder as in the encoder in config.json. "
                f"Received: num_layers={config['num_layers']}, num_decoder_layers={config['num_decoder_layers']!r:.40}."
            )
        buckets, distance = (config[f"relative_attention_{key}"] for key in ("num_buckets", "max_distance"))
        if not buckets // 2 < distance:
            raise UserError(
                "Expected a relative_attention_max_distance of more than half of relative_attention_num_buckets="
                f"{buckets} in config.json. Received: {distance}."
            )
        # transformers 4: not tied in version 1.1; 5: tied, and whether logits are scaled; the tensors show which it is
        scaled = bool(config.get("scale_decoder_outputs", config["tie_word_embeddings"]))
        return super().read_fields(config) | {"gated": gated, "tied": scaled, "scaled": scaled}

    def to_config(self, architecture: Any) -> dict[str, Any]:
        version = {"feed_forward_proj": ACTIVATIONS[architecture.gated], "tie_word_embeddings": architecture.scales}
        return super().to_config(architecture) | version


class T5HubMapping(KerasHubMapping):
    """Mapping of KerasHub's T5 1.0 and 1.1; heads share the width where the preset states no width of a head."""

    def from_config(self, architecture: type[Architecture], config: Mapping[str, Any]) -> Architecture:
        gated, activation = config["use_gated_activation"], config["activation"]
        name = activation if isinstance(activation, str) else str(activation["config"]).rpartition(">")[2]
        if name != HUB_ACTIVATIONS[gated]:
            raise UserError(
                f"Expected activation={HUB_ACTIVATIONS[gated]!r} of a {self.class_name}. Received: {name!r}."
            )
        head_width = config["key_value_dim"] or config["hidden_dim"] // config["num_heads"]
        return replace(super().from_config(architecture, config), gated=gated, head_width=head_width)

    def layers_of(self, architecture: Any) -> dict[str, str]:
        if not architecture.gated:
            return self.layers
        rows = ((hub, layer.replace("feed_forward/up", "gated/gate")) for hub, layer in self.layers.items())
        return {hub: layer.replace("feed_forward/", "gated/") for hub, layer in rows}


def stacks(hub_layer, layer):
    """A row of KerasHub's table for the encoder stack and for the decoder stack, whose names replace PART."""
    return {hub_layer.replace("PART", part): layer.replace("PART", part) for part in ("encoder", "decoder")}
