"""The contract by which an architecture says where its published weights are: in folders of transformers and KerasHub.

Everything is stated as tables in the architecture's own file; `zoo.weights` reads and writes by them.
"""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, kw_only=True)
class HeadMapping:
    """A class of transformers that adds a head, and what it is here."""

    objective: str  # name of the objective; "": there is none here that gives the same
    layers: dict = field(default_factory=dict)  # layer here -> module there, with its prefix where it has one
    settings: dict = field(default_factory=dict)  # fields that the objective must have for its outputs to be the same


@dataclass(frozen=True, kw_only=True)
class HuggingFaceMapping:
    """How the settings and weights of an architecture are called there.

    `layers` goes from a layer here to a module there, `{i}` being a number in both: the module's weight is the layer's
    kernel, gamma, scale, embeddings or table, and its bias the layer's bias or beta. `module[1/3]` is the second third
    of a module's outputs, `module + row` a sum with the only row of another. A weight of a layer may also stand by
    itself, beside its tensor.
    """

    kind: str  # `model_type` in config.json
    name: str  # of the class without a head
    fields: dict  # field here -> key in config.json, or several keys, of which the first is read
    layers: dict
    prefix: str = ""  # of modules of `layers` in a file with a head
    heads: dict = field(default_factory=dict)  # class with a head -> `HeadMapping`
    fixed: dict = field(default_factory=dict)  # key in config.json -> the only value that is drawn here
    copies: tuple = ()  # tensors that only repeat what is known otherwise, `{i}` being a number
    transposed: bool = True  # kernels are stored (outputs, inputs), as torch.nn.Linear does; those of heads always are

    def read(self, architecture, config):
        """The `architecture`, a class, with the settings of a config.json; its defaults are for those left out there.

        Raises ValueError where the configuration asks for what is not drawn here.
        """
        for key, value in self.fixed.items():
            if config.get(key, value) != value:
                raise ValueError(f"Expected {key}={value!r} in config.json. Received: {config[key]!r}.")
        return architecture(**self.settings(config))

    def settings(self, config):
        """The fields of an architecture from a config.json."""
        first = {name: key if isinstance(key, str) else key[0] for name, key in self.fields.items()}
        return {name: config[key] for name, key in first.items() if config.get(key) is not None}

    def write(self, architecture):
        """The config.json of an architecture, as a dict."""
        config = {"model_type": self.kind, **self.fixed}
        for one in fields(architecture):
            keys = self.fields.get(one.name, ())
            config |= dict.fromkeys([keys] if isinstance(keys, str) else keys, getattr(architecture, one.name))
        return config


@dataclass(frozen=True, kw_only=True)
class KerasHubMapping:
    """How the settings and weights of an architecture are called in a preset of KerasHub.

    `layers` goes from a layer there to a layer here, `{i}` being a number in both; a weight there may stand by itself.
    Layers without a name of their own are counted within the backbone's layer that they are in.
    """

    name: str  # of the backbone's class
    fields: dict = field(default_factory=dict)  # field here -> setting there, beside those of `BACKBONE`
    fixed: dict = field(default_factory=dict)  # field here -> value that all such backbones have
    layers: dict
    only: dict = field(default_factory=dict)  # setting there -> the only value that is drawn here
    head: str = ""  # class of transformers that has a weight of `layers` which is of no trunk

    def read(self, architecture, config):
        """The `architecture`, a class, with the settings of a backbone.

        Raises ValueError where they ask for what is not drawn here.
        """
        for key, value in self.only.items():
            if config.get(key, value) != value:
                raise ValueError(f"Expected {key}={value!r} of a {self.name}. Received: {config[key]!r}.")
        fields = BACKBONE | self.fields
        return architecture(**{name: config[key] for name, key in fields.items()}, **self.fixed)

    def rows(self, architecture):
        """`layers` for an architecture with its settings."""
        return self.layers


BACKBONE = {  # what all backbones call the same
    "vocabulary": "vocabulary_size",
    "width": "hidden_dim",
    "depth": "num_layers",
    "hidden": "intermediate_dim",
}
ENCODER = {  # rows of `layers` that the backbones of encoders share
    "embeddings_layer_norm": "embedding_norm",
    "transformer_layer_{i}/self_attention_layer/query": "block{i}_attention/query",
    "transformer_layer_{i}/self_attention_layer/key": "block{i}_attention/key",
    "transformer_layer_{i}/self_attention_layer/value": "block{i}_attention/value",
    "transformer_layer_{i}/self_attention_layer/attention_output": "block{i}_attention/out",
    "transformer_layer_{i}/self_attention_layer_norm": "block{i}_attention_norm",
    "transformer_layer_{i}/feedforward_intermediate_dense": "block{i}_feed_forward/widen",
    "transformer_layer_{i}/feedforward_output_dense": "block{i}_feed_forward/narrow",
    "transformer_layer_{i}/feedforward_layer_norm": "block{i}_feed_forward_norm",
}
