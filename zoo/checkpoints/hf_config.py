"""The config.json of a folder of Hugging Face transformers: which architecture it is of, and with which head."""

import json
from pathlib import Path

from zoo import catalog
from zoo.runtime.errors import UserError, unknown


def read_config(folder):
    """The config.json of a folder, as a dict. Raises UserError where there is none, or it is damaged."""
    path = Path(folder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        what = "a folder without one" if path.parent.is_dir() else "no such folder"
        raise UserError(f"Expected config.json in {folder}. Received: {what}.") from None
    except ValueError as error:
        raise UserError(f"Expected a config.json. Received: {path}, which is damaged ({error}).") from None
    if not isinstance(config, dict):
        raise UserError(f"Expected an object in {path}. Received: {type(config).__name__}.")
    return config


def known():
    """{`model_type`: architecture class} of all whose weights can be read."""
    classes = (catalog.load("architectures", name) for name in catalog.names("architectures"))
    return {cls.huggingface.model_type: cls for cls in classes if cls.huggingface}


def architecture_class(config):
    """The architecture class of a config.json. Raises UserError for a `model_type` that is not known."""
    kinds, kind = known(), config.get("model_type")
    if kind not in kinds:
        raise UserError(unknown("model_type in config.json", kind, sorted(kinds)))
    return kinds[kind]


def read_architecture(config):
    """The architecture that a config.json describes. Raises UserError where it asks for what is not drawn here."""
    cls = architecture_class(config)
    return cls.huggingface.from_config(cls, config)


def read_head(config):
    """The `zoo.architectures._pretrained.HeadMapping` of a config.json, or None where there is no head, or no objective for it here."""
    names = config.get("architectures") or [""]
    return architecture_class(config).huggingface.heads.get(names[0])
