"""Every setting of a published folder with what it does here: applied, without effect, or named with what follows.

Keys and defaults are those of `PreTrainedConfig` of transformers 5 and of the configurations of single architectures:
https://huggingface.co/docs/transformers/main_classes/configuration
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.checkpoints import generation_keys
from zoo.checkpoints.generation_defaults import GenerationDefaults
from zoo.checkpoints.published_head import CROSS_ENCODER
from zoo.runtime.errors import UserError, shorten

CONFIG = "config.json"
APPLIED, UNUSED = "applied", "no effect"
UNKNOWN = "is not known to the zoo: compare answers (zoo import --verify)"
MISSING = object()  # a default that is not known
HEAD_KEYS = (
    "architectures",
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
    "sentence_transformers",
    CROSS_ENCODER,
)
COMMON_REQUIRED: dict[str, tuple[Any, ...]] = {  # key -> values that are supported, in every architecture
    "add_cross_attention": (False,),
    "cross_attention_hidden_size": (),
    "tie_encoder_decoder": (False,),
    "pruned_heads": ({},),
    "per_layer_config": ({},),
    "parametrizations": ({},),
}
COMMON_UNUSED = (  # how transformers computes, returns or stores things
    *("model_type", "transformers_version", "dtype", "torch_dtype", "use_cache", "use_return_dict", "return_dict"),
    *("name_or_path", "output_attentions", "output_hidden_states", "output_past", "torchscript", "use_bfloat16"),
    *("attn_implementation", "experts_implementation", "chunk_size_feed_forward", "gradient_checkpointing"),
    *("initializer_range", "initializer_factor", "is_encoder_decoder", "tokenizer_class", "finetuning_task"),
    *("tf_legacy_loss", "language", "model_max_length", "tie_last_hidden_states", "adapters", "function_to_apply"),
    *("directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers"),
    *("pooler_size_per_head", "pooler_type", "problem_type_", "vocab_file", "unsloth_version", "unsloth_fixed"),
    *("position_embedding_type", "return_all_scores", "use_auth_token", "gradient_checkpointing_kwargs"),
)
NAMED = {  # key -> what follows
    "task_specific_params": "is not applied: a pipeline of transformers puts its prefix before texts of that task",
    "prefix": "is not put before texts, as a pipeline of transformers does",
    "auto_map": "names code of the folder, which is not run: the architecture is that of the model_type",
    "custom_pipelines": "names code of the folder, which is not run",
}


@dataclass(frozen=True)
class Setting:
    """A setting of a published folder, and what the zoo does with it.

    Attributes:
        file: its file.
        key: its key.
        value: its value.
        effect: `APPLIED`, `UNUSED`, or a sentence that begins with its key: what follows from it.
        default: the value of transformers where the file has none; `MISSING` where that is not known.
    """

    file: str
    key: str
    value: Any
    effect: str
    default: Any = MISSING

    @property
    def named(self) -> bool:
        """Whether the setting is neither applied nor without effect."""
        return self.effect not in (APPLIED, UNUSED)

    @property
    def changed(self) -> bool:
        """Whether the setting is applied and differs from the default of transformers."""
        return self.effect == APPLIED and self.default is not MISSING and self.value != self.default


def config_settings(
    config: Mapping[str, Any],
    mapping: HuggingFaceMapping,
    head: HeadMapping | None,
    generates: GenerationDefaults | None,
) -> list[Setting]:
    """A `Setting` for each key of config.json.

    Args:
        generates: the generation defaults of a model that generates text; None for others.

    Raises UserError for a setting of which the network would be another one.
    """
    for key, supported in COMMON_REQUIRED.items():
        if config.get(key) is not None and config[key] not in supported:
            expected = f"{key}={supported[0]!r}" if supported else f"no {key}"
            raise UserError(f"Expected {expected} in config.json. Received: {shorten(config[key], 40)}.")
    return [
        Setting(
            CONFIG,
            key,
            value,
            _effect(key, value, config, mapping, head, generates),
            mapping.defaults.get(key, MISSING),
        )
        for key, value in config.items()
    ]


def _effect(key, value, config, mapping, head, generates):
    read = {*mapping.keys.values(), *mapping.required, *mapping.also_read, *mapping.aliases}
    if value is None or key.startswith("_"):
        return UNUSED
    if key in read or key in HEAD_KEYS or (head and key in head.dropout):
        return APPLIED
    if note := _rate_note(key, value, config, mapping):
        return note
    if key in generation_keys.KEYS or key in generation_keys.TOKENIZER:
        return _generation_effect(key, generates)
    unused = {*COMMON_UNUSED, *COMMON_REQUIRED, *mapping.unused, *mapping.training_only, *generation_keys.UNUSED}
    if key in unused or "dropout" in key or key in _rates(mapping):
        return UNUSED
    return f"{key} {NAMED.get(key, UNKNOWN)}"


def _rates(mapping):
    """{key: the key of the same field that is read} where one field stands for several keys."""
    groups = (keys for keys in mapping.fields.values() if not isinstance(keys, str))
    return {key: keys[0] for keys in groups for key in keys[1:]}


def _rate_note(key, value, config, mapping):
    """A sentence on a rate of training that the zoo has no field of its own for; "" where it makes no difference."""
    completed = mapping.complete(config)
    read = _rates(mapping).get(key)
    if read and "dropout" in mapping.fields and read == mapping.keys["dropout"] and completed.get(read) != value:
        return f"{key}={shorten(value, 20)} is not applied in training: {read}={completed.get(read)} is used"
    if key in mapping.training_only and value not in (mapping.training_only[key], 0, 0.0):
        return f"{key}={shorten(value, 20)} is not applied in training"
    return ""


def _generation_effect(key, generates):
    if key in ("bos_token_id", "sep_token_id", "cls_token_id", "mask_token_id", "pad_token_id", "eos_token_id"):
        return APPLIED if key in ("eos_token_id", "pad_token_id") else UNUSED  # the tokenizer's files say the others
    if generates is None or generates.file != CONFIG:
        return UNUSED
    return generation_effect(key, generates)


def generation_settings(generates: GenerationDefaults) -> list[Setting]:
    """A `Setting` for each key of generation_config.json; [] where the folder has none."""
    if generates.file == CONFIG:
        return []
    return [
        Setting(generates.file, key, value, generation_effect(key, generates), NEUTRAL.get(key, MISSING))
        for key, value in generates.values.items()
    ]


NEUTRAL = {key: neutral for key, (_, neutral) in (generation_keys.NUMBERS | generation_keys.SAMPLING).items()}


def generation_effect(key: str, generates: GenerationDefaults) -> str:
    """What a key of the generation configuration does: see `Setting.effect`."""
    values = generates.values
    if key in generates.notes:
        return f"{key}: {generates.notes[key]}"
    if key in generation_keys.SAMPLING:
        return APPLIED if values.get("do_sample") else UNUSED  # greedy decoding and beams need none
    if key in generation_keys.NUMBERS or key in (
        "do_sample",
        *generation_keys.LENGTHS,
        *generation_keys.IDS,
    ):
        return APPLIED
    if key in generation_keys.STARTS:
        return APPLIED if generates.decoder_start else UNUSED
    if key in generation_keys.TOKENIZER:
        return APPLIED if key == "eos_token_id" else UNUSED
    if key in generation_keys.UNUSED or key in generation_keys.NOT_APPLIED or key.startswith("_"):
        return UNUSED
    return f"{key} {UNKNOWN}"
