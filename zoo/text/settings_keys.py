"""Keys of tokenizer_config.json and its neighbours: applied, without effect, or named in a line.

The defaults of transformers' tokenizer classes are here too: transformers 5, `models/*/tokenization_*.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from zoo.runtime.errors import nearest
from zoo.text.tokenizer_settings import ROLES, STOP_IDS

APPLIED = (
    *ROLES,
    STOP_IDS,
    "add_bos_token",
    "add_eos_token",
    "add_prefix_space",
    "added_tokens_decoder",
    "additional_special_tokens",
    "chat_template",
    "clean_up_tokenization_spaces",
    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
    "do_lower_case",
    "extra_special_tokens",
    "legacy",
    "max_len",
    "model_max_length",
    "model_specific_special_tokens",
    "split_special_tokens",
    "strip_accents",
    "tokenize_chinese_chars",
    "tokenizer_class",
)
WITHOUT_EFFECT = (  # on the ids of a text, once there is a tokenizer.json, or on any
    "_commit_hash",
    "backend",
    "chat_control_tokens",
    "do_basic_tokenize",
    "errors",
    "extra_ids",
    "fix_mistral_regex",
    "from_slow",
    "init_inputs",
    "is_local",
    "keep_accents",
    "local_files_only",
    "max_length",
    "merges_file",
    "model_input_names",
    "name_or_path",
    "pad_to_multiple_of",
    "pad_token_type_id",
    "padding_side",
    "processor_class",
    "remove_space",
    "response_schema",
    "response_template",
    "special_tokens_map_file",
    "spaces_between_special_tokens",
    "stride",
    "tokenizer_file",
    "tokenizer_type",
    "trim_offsets",
    "truncation_strategy",
    "unk_id",
    "use_default_system_prompt",
    "use_fast",
    "verbose",
    "vocab_file",
    "wordpieces_prefix",
)
CONSEQUENCES = {  # key -> (values that change nothing, what zoo does with any other)
    "truncation_side": (("right",), "zoo cuts the end of a text that is too long, not its beginning"),
    "auto_map": ((), "zoo runs no code of a folder: tokens may differ"),
    "never_split": ((None, []), "zoo splits these words as others, as transformers 5 does"),
    "sp_model_kwargs": ((None, {}), "zoo does not sample tokens"),
}

_BERT = {f"{role}_token": f"[{role.upper()}]" for role in ("unk", "sep", "pad", "cls", "mask")}
_ROBERTA = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>"}
_ROBERTA |= {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}
CLASS_ROLES: dict[str, dict[str, str]] = {  # tokenizer class -> its special tokens, where the files name no others
    "BertTokenizer": _BERT,
    "DistilBertTokenizer": _BERT,
    "ElectraTokenizer": _BERT,
    "RobertaTokenizer": _ROBERTA,
    "BartTokenizer": _ROBERTA,
    "XLMRobertaTokenizer": _ROBERTA,
    "MPNetTokenizer": _ROBERTA | {"unk_token": "[UNK]"},
    "AlbertTokenizer": _BERT | {"bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "<unk>", "pad_token": "<pad>"},
    "GPT2Tokenizer": dict.fromkeys(("unk_token", "bos_token", "eos_token"), "<|endoftext|>"),
    "LlamaTokenizer": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    "T5Tokenizer": {"unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>"},
}
CLASS_OF_MODEL = {  # `model_type` of config.json -> tokenizer class
    "bart": "RobertaTokenizer",
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "gpt2": "GPT2Tokenizer",
    "llama": "LlamaTokenizer",
    "roberta": "RobertaTokenizer",
    "t5": "T5Tokenizer",
}
GENERIC = ("PreTrainedTokenizer", "TokenizersBackend", "PythonBackend")  # these take tokenizer.json as it is


def class_of(config: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """The tokenizer class of a tokenizer_config.json, else of the config.json `model`, without "Fast"; perhaps ""."""
    name = config.get("tokenizer_class") or model.get("tokenizer_class")
    name = name or CLASS_OF_MODEL.get(str(model.get("model_type")), "")
    return str(name).removesuffix("Fast")


def key_notes(config: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield a line for each key of the file `name` that zoo does not know, or whose value zoo does not follow."""
    for key, value in config.items():
        harmless, consequence = CONSEQUENCES.get(key, ((), ""))
        if consequence and value not in harmless:
            yield f"{name} sets {key}={value!r:.60}: {consequence}."
        elif not consequence and key not in (*APPLIED, *WITHOUT_EFFECT) and not _is_token(key, value):
            near = nearest(key, APPLIED)
            hint = f" The nearest known key is {near}." if near else ""
            yield f"{name} sets {key}={value!r:.60}, which zoo does not know and leaves unread.{hint}"


def _is_token(key, value):
    """Whether a key names a special token of a model, such as `image_token`."""
    return key.endswith("_token") and isinstance(value, str | dict | None)
