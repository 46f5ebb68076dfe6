"""Settings of a published tokenizer beside tokenizer.json: special tokens by role, chat template, longest text."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
CONFIG = "tokenizer_config.json"
STOP_IDS = (
    "eos_token_ids"  # zoo's own key of tokenizer_config.json: transformers has these ids in generation_config.json
)
UNLIMITED = 10**9  # model_max_length from here on is transformers' way to write "no limit"


@dataclass(frozen=True)
class TokenizerSettings:
    """What tokenizer.json does not say about a tokenizer: transformers keeps it in tokenizer_config.json."""

    roles: dict[str, str] = field(default_factory=dict)  # {one of `ROLES`: token}
    markers: tuple[str, ...] = ()  # additional special tokens, which stand in texts
    stop_ids: tuple[int, ...] = ()  # ids that end a generated text; empty: the end token
    chat_templates: dict[str, str] = field(default_factory=dict)  # by name; "default" is the one for conversations
    max_length: int | None = None  # longest text in ids, special ids included
    clean_up: bool = False  # whether decoding removes the spaces before punctuation

    @property
    def chat_template(self) -> str | None:
        """The Jinja template for conversations, None without one."""
        return self.chat_templates.get("default")

    def to_config(self) -> dict[str, Any]:
        """The keys of tokenizer_config.json, as transformers reads them."""
        config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", **self.roles}
        if self.markers:
            config["extra_special_tokens"] = list(self.markers)
        if self.chat_templates:
            named = [{"name": name, "template": template} for name, template in self.chat_templates.items()]
            config["chat_template"] = self.chat_template if list(self.chat_templates) == ["default"] else named
        if self.max_length is not None:
            config["model_max_length"] = self.max_length
        config |= {"clean_up_tokenization_spaces": self.clean_up}
        return config | ({STOP_IDS: list(self.stop_ids)} if self.stop_ids else {})

    def to_json(self) -> str:
        """`to_config` as JSON."""
        return json.dumps(self.to_config(), indent=2, ensure_ascii=False) + "\n"


def beside(path: Path, name: str) -> Path:
    """The path of another file of a tokenizer's folder; `path` is the folder or a file in it."""
    return path / name if path.is_dir() else path.with_name(name)
