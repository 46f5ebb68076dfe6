"""Export of a tokenizer's settings to Hugging Face: tokenizer_config.json, and generation_config.json for end ids."""

from collections.abc import Mapping
from typing import Any

from zoo.pipeline.pipeline import Pipeline
from zoo.text.tokenizer import Tokenizer
from zoo.text.tokenizer_settings import STOP_IDS

GENERATION = ("bos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id")


def tokenizer_config(pipeline: Pipeline) -> dict[str, Any]:
    """The tokenizer_config.json of a pipeline: special tokens by role, chat template, longest text, inputs."""
    tokenizer, inputs = pipeline.tokenizer, pipeline.preset.architecture.inputs()
    if tokenizer.settings:
        config = tokenizer.settings.to_config()
        config.pop(STOP_IDS, None)  # in generation_config.json
    else:
        config = {"tokenizer_class": "PreTrainedTokenizerFast"} | _roles(tokenizer)
    names = ["input_ids", *(["token_type_ids"] if "segments" in inputs else []), "attention_mask"]
    return config | {"model_max_length": pipeline.objective.length, "model_input_names": names}


def _roles(tokenizer):
    """The special tokens of a tokenizer that zoo trained, by their names in transformers."""
    ids = {"pad_token": tokenizer.padding, "unk_token": tokenizer.unknown, "cls_token": tokenizer.start}
    ids |= {"sep_token": tokenizer.end, "mask_token": tokenizer.mask}
    return {name: tokenizer.token(i) for name, i in ids.items() if i is not None}


def generation_config(tokenizer: Tokenizer, config: Mapping[str, Any]) -> dict[str, Any]:
    """The generation_config.json for a tokenizer with several end ids, {} for others: config.json then suffices."""
    if not tokenizer.settings or tokenizer.stop_ids in ((), (tokenizer.end,)):
        return {}
    ids = {name: config[name] for name in GENERATION if config.get(name) is not None}
    return ids | {"eos_token_id": list(tokenizer.stop_ids)}
