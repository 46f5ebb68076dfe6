"""Names of published models in place of folders: fetched by the official client of the hub that has them."""

from pathlib import Path

HUGGINGFACE = "hf:"
FILES = ("*.json", "*.safetensors", "*.txt", "1_Pooling/*")  # no pickles


def locate(name):
    """The folder of a model: `name` itself, or of `hf:OWNER/NAME` what huggingface_hub has fetched or kept.

    Raises ValueError where a name cannot be fetched.
    """
    name = str(name)
    return _fetch(name.removeprefix(HUGGINGFACE)) if name.startswith(HUGGINGFACE) else Path(name)


def _fetch(name):
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
        hint = "Without a network, give a folder."
        raise ValueError(f"Cannot fetch {name} from Hugging Face ({reason}). {hint}") from None
