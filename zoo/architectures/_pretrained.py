"""Parameter mappings: names of fields and weights in checkpoints of Hugging Face transformers and of KerasHub.

An architecture's file states its mappings as tables, by which `zoo.checkpoints` loads and exports weights.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from zoo.architectures._config_values import checked_fields
from zoo.runtime.errors import UserError

ArchitectureT = TypeVar("ArchitectureT")  # a subclass of `zoo.architectures.Architecture`


@dataclass(frozen=True, kw_only=True)
class HeadMapping:
    """Mapping of a class of transformers with a head to the objective of the zoo that has the same head."""

    objective: str  # name of the objective; "": no objective of the zoo gives the same outputs
    layers: dict[str, str] = field(default_factory=dict)  # layer of the zoo -> module, with its prefix where it has one
    settings: dict[str, Any] = field(default_factory=dict)  # fields that the objective needs to give the same outputs
    prefix: str | None = None  # of the backbone's modules in a file of this class; None: that of the mapping
    dropout: tuple[str, ...] = ()  # keys in config.json of the dropout before the output layer; the first that is set

    @property
    def all_layers(self) -> dict[str, str]:
        """`layers`, and of a text classifier that of score_pair too: a classifier with one logit is a regression."""
        if self.objective != "classify_text":
            return self.layers
        score = {layer.replace("logits", "score"): name for layer, name in self.layers.items() if "logits" in layer}
        return self.layers | score


@dataclass(frozen=True, kw_only=True)
class HuggingFaceMapping:
    """Parameter mapping of transformers: names of fields in config.json and of weights in model.safetensors.

    `layers` maps a layer of the zoo to a module of transformers, `{i}` being a number in both. The module's weight is
    the layer's kernel, gamma, scale, embeddings or table, and its bias the layer's bias or beta. `module[1/3]` is the
    second third of a module's outputs, `module + row` its sum with the only row of another module. A weight of a layer
    may also be mapped by itself, to a tensor.
    """

    model_type: str  # `model_type` in config.json
    class_name: str  # the class without a head, as BertModel
    fields: dict[str, str | tuple[str, ...]]  # field -> key in config.json, or several keys, of which the first is read
    layers: dict[str, str]
    prefix: str = ""  # of modules of `layers` in a file with a head
    heads: dict[str, HeadMapping] = field(default_factory=dict)  # class with a head -> its mapping
    required: dict[str, Any] = field(default_factory=dict)  # key in config.json -> the only value that is supported
    defaults: dict[str, Any] = field(default_factory=dict)  # key -> transformers' value where config.json has none
    aliases: dict[str, str] = field(default_factory=dict)  # other name of a key, `attribute_map` -> the key
    also_read: tuple[str, ...] = ()  # keys that `read_fields` reads beside those of `fields`
    unused: tuple[str, ...] = ()  # keys that change no answer of the classes in `heads`
    training_only: dict[str, Any] = field(
        default_factory=dict
    )  # key without a field here -> value that changes nothing
    output: str = ""  # tensor of the output layer, which repeats the word vectors where these are tied
    always_tied: bool = False  # tied unless the file has another output layer, whatever config.json says
    copies: dict[str, str] = field(default_factory=dict)  # tensor -> the tensor that it repeats
    ignored: tuple[str, ...] = ()  # tensors that hold no weight, `{i}` being a number
    transposed: bool = True  # kernels are stored (outputs, inputs), as torch.nn.Linear does; those of heads always are

    def from_config(self, architecture: type[ArchitectureT], config: Mapping[str, Any]) -> ArchitectureT:
        """The architecture of a config.json: an instance of `architecture`, with defaults for missing keys.

        Raises UserError where the configuration asks for something that the architecture does not support, or a value
        has another type or is out of its range.
        """
        config = self.complete(config)
        for key, value in self.required.items():
            if config.get(key, value) != value:
                raise UserError(f"Expected {key}={value!r} in config.json. Received: {config[key]!r:.60}.")
        checked_fields(architecture, self.keys, config)
        return architecture(**self.read_fields(config))

    @property
    def keys(self) -> dict[str, str]:
        """{field: the key in config.json that is read}."""
        return {name: key if isinstance(key, str) else key[0] for name, key in self.fields.items()}

    def complete(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A config.json with transformers' defaults for keys that are missing or null, under the keys' own names."""
        values = {key: value for key, value in config.items() if value is not None}
        renamed = {key: values[alias] for alias, key in self.aliases.items() if alias in values}
        return self.defaults | values | renamed

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of an architecture that a config.json, completed by `complete`, states."""
        values = {name: config[key] for name, key in self.keys.items() if config.get(key) is not None}
        padding = values.get("padding", 0)  # the tokenizer's own is put in its place: see `zoo.checkpoints.hf_config`
        return values | {"padding": padding if isinstance(padding, int) and padding >= 0 else 0}

    def to_config(self, architecture: Any) -> dict[str, Any]:
        """The config.json of an architecture, as a dict."""
        config = {"model_type": self.model_type, **self.required}
        for item in fields(architecture):
            keys = self.fields.get(item.name, ())
            config |= dict.fromkeys([keys] if isinstance(keys, str) else keys, getattr(architecture, item.name))
        return config


@dataclass(frozen=True, kw_only=True)
class KerasHubMapping:
    """Parameter mapping of KerasHub: names of fields and weights in a preset.

    `layers` maps a layer of KerasHub to a layer of the zoo, `{i}` being a number in both; a weight may also be mapped
    by itself. Layers of KerasHub without a name of their own are counted within their layer of the backbone.
    """

    class_name: str  # the class of the backbone
    fields: dict[str, str] = field(default_factory=dict)  # field -> setting of the backbone, beside `BACKBONE_FIELDS`
    constants: dict[str, Any] = field(default_factory=dict)  # field -> value that all such backbones have
    layers: dict[str, str]
    required: dict[str, Any] = field(default_factory=dict)  # setting of the backbone -> the only value supported
    head: str = ""  # class of transformers with a head that owns the weights of `layers` outside the zoo's backbone

    def from_config(self, architecture: type[ArchitectureT], config: Mapping[str, Any]) -> ArchitectureT:
        """The architecture of a backbone's settings: an instance of `architecture`.

        Raises UserError where the settings ask for something that the architecture does not support.
        """
        for key, value in self.required.items():
            if config.get(key, value) != value:
                raise UserError(f"Expected {key}={value!r} of a {self.class_name}. Received: {config[key]!r}.")
        settings = BACKBONE_FIELDS | self.fields
        return architecture(**{name: config[key] for name, key in settings.items()}, **self.constants)

    def layers_of(self, architecture: Any) -> dict[str, str]:
        """The table `layers` for the field values of `architecture`."""
        return self.layers


GELU = {"gelu_python": "gelu", "gelu_pytorch_tanh": "gelu_new", "gelu_fast": "gelu_new", "gelu_accurate": "gelu_new"}


def gelu_of(config: Mapping[str, Any], key: str, supported: Collection[str]) -> str:
    """The activation of a config.json by its usual name, of the names that transformers has for the same function.

    Raises UserError for one that is not supported.
    """
    name = config.get(key)
    usual = GELU.get(name, name) if isinstance(name, str) else ""
    if usual not in supported:
        raise UserError(f"Expected {key} of {' or '.join(supported)} in config.json. Received: {name!r:.60}.")
    return usual


BACKBONE_FIELDS = {  # names that all backbones of KerasHub share
    "vocabulary": "vocabulary_size",
    "width": "hidden_dim",
    "depth": "num_layers",
    "hidden": "intermediate_dim",
}
ENCODER_DEFAULTS = {  # of BertConfig and RobertaConfig in transformers, where config.json leaves a key out
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "tie_word_embeddings": True,
}
ENCODER_LAYERS = {  # rows of `layers` that the encoders of KerasHub share
    "embeddings_layer_norm": "embedding_norm",
    "transformer_layer_{i}/self_attention_layer/query": "block{i}_attention/query",
    "transformer_layer_{i}/self_attention_layer/key": "block{i}_attention/key",
    "transformer_layer_{i}/self_attention_layer/value": "block{i}_attention/value",
    "transformer_layer_{i}/self_attention_layer/attention_output": "block{i}_attention/out",
    "transformer_layer_{i}/self_attention_layer_norm": "block{i}_attention_norm",
    "transformer_layer_{i}/feedforward_intermediate_dense": "block{i}_feed_forward/up",
    "transformer_layer_{i}/feedforward_output_dense": "block{i}_feed_forward/down",
    "transformer_layer_{i}/feedforward_layer_norm": "block{i}_feed_forward_norm",
}
