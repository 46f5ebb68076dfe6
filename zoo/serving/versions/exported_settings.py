"""Settings in an exported SavedModel: the JSON files that `zoo export` writes beside the graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path("assets.extra", "zoo")  # in a SavedModel
PRESET, TOKENIZER, NETWORK = "preset.json", "tokenizer_config.json", "network.json"


def has_settings(folder: Path, file: str) -> bool:
    """Whether a SavedModel has a settings file."""
    return (folder / FOLDER / file).is_file()


def read_settings(folder: Path, file: str) -> dict[str, Any]:
    """The JSON object in a settings file of a SavedModel; {} where there is none, as in that of another program."""
    try:
        value = json.loads((folder / FOLDER / file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
