"""Resolve the name of a published checkpoint to a local folder, downloaded by the official client of its hub.

A preset of KerasHub, by its name or as a folder, is converted to a folder of transformers by
`zoo.checkpoints.keras_hub`.
"""

from pathlib import Path

from zoo.checkpoints.keras_hub import as_huggingface, is_preset
from zoo.runtime.errors import UserError

HUGGINGFACE, KERAS = "hf:", "keras:"
FILES = ("*.json", "*.jinja", "*.safetensors", "*.txt", "*_Pooling/*", "additional_chat_templates/*")  # no pickles


def resolve(name: str | Path) -> Path:
    """The local folder of a checkpoint.

    Args:
        name: a folder; `hf:OWNER/NAME`, which huggingface_hub downloads or has in its cache; `keras:PRESET` or a folder
            of KerasHub, which is converted.

    Raises UserError where a name cannot be downloaded or converted.
    """
    name = str(name)
    if name.startswith(KERAS) or is_preset(Path(name)):
        return as_huggingface(name.removeprefix(KERAS))
    return _download(name.removeprefix(HUGGINGFACE)) if name.startswith(HUGGINGFACE) else Path(name)


def _download(name):
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
        hint = "Without a network, give a folder."
        raise UserError(f"Cannot fetch {name} from Hugging Face ({reason}). {hint}") from None
