"""Convert presets of KerasHub (https://keras.io/keras_hub), loaded by keras_nlp, to folders of transformers.

The folders are cached in ~/.keras/zoo, or KERAS_HOME/zoo, so that a preset is converted once.
"""

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file

from zoo import catalog
from zoo.checkpoints.hf_export import tensors_of
from zoo.checkpoints.safetensors import SINGLE
from zoo.runtime.errors import UserError, unknown
from zoo.runtime.files import atomic_folder, write_text
from zoo.transforms.lazy import shapes

LOGITS = "logits/kernel"  # the output layer; missing where it is tied to the embeddings
LEAVES = {"weight": "scale"}  # of KerasHub's layers, where Keras's name differs


def is_preset(folder: Path) -> bool:
    """Whether a folder is a preset of KerasHub."""
    config = folder / "config.json"
    return config.is_file() and '"keras_hub' in config.read_text(encoding="utf-8", errors="replace")


def as_huggingface(name: str) -> Path:
    """Convert a preset of KerasHub, by its name or folder, to a folder of transformers; returns the cached folder.

    Raises UserError where keras_nlp is not installed or cannot load it, or the zoo has no such architecture.
    """
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    folder = home / "zoo" / f"{Path(name).name}-{_digest(Path(name), name)}"
    if not folder.is_dir():
        hub, backbone = _load(name)
        architecture, head, tensors = _convert(backbone)
        with atomic_folder(folder) as partial:
            save_file(tensors, partial / SINGLE, metadata={"format": "pt"})
            config = architecture.huggingface.to_config(architecture) | {"architectures": [head]}
            write_text(partial / "config.json", json.dumps(config, indent=2) + "\n")
            _write_tokenizer(hub, name, partial)
    return folder


def _digest(folder, name):
    """A hash of a preset's name, files, sizes and times: a changed preset has another."""
    files = sorted(path for path in folder.glob("*") if path.is_file())
    versions = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.blake2b(repr((name, versions)).encode(), digest_size=6).hexdigest()


def _load(name):
    """`(keras_nlp, backbone)` of a preset; `keras_nlp` is KerasHub under its earlier name."""
    try:
        import keras_nlp

        return keras_nlp, keras_nlp.models.Backbone.from_preset(name)
    except ModuleNotFoundError as error:
        raise UserError(f"Expected keras-nlp to be installed, for {name}. Received: {error}.") from None
    except (OSError, ValueError, ImportError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
        raise UserError(f"keras_hub cannot read {name} ({reason}). Without a network, give a folder.") from None


def _convert(backbone):
    """(architecture, name of its class in transformers, {name: tensor}) of a backbone."""
    classes = [catalog.load("architectures", name) for name in catalog.names("architectures")]
    by_name = {cls.keras_hub.class_name: cls for cls in classes if cls.keras_hub}
    class_name = type(backbone).__name__
    if class_name not in by_name:
        raise UserError(unknown("backbone of KerasHub", class_name, sorted(by_name)))
    cls = by_name[class_name]
    architecture = cls.keras_hub.from_config(cls, backbone.get_config())
    arrays, head = _arrays(backbone, architecture), cls.huggingface.heads.get(cls.keras_hub.head)
    if head:
        architecture = replace(architecture, tied=LOGITS not in arrays)
    return architecture, cls.keras_hub.head or cls.huggingface.class_name, tensors_of(arrays, cls.huggingface, head)


def _arrays(backbone, architecture):
    """{path in the zoo: array} of all weights of a backbone. Raises UserError where they differ from the mapping's."""
    class_name, layers = architecture.keras_hub.class_name, architecture.keras_hub.layers_of(architecture)
    expected, arrays = shapes(architecture.backbone), {}
    for hub_path, weight in _weights(backbone):
        path = _path(hub_path, layers)
        if path is None or path in arrays:
            raise UserError(f"Expected the weights of {class_name} as the zoo knows them. Received: {hub_path}.")
        arrays[path] = _reshape(keras.ops.convert_to_numpy(weight.value), expected.get(path))
    if missing := set(expected) - set(arrays):
        raise UserError(f"Expected a weight for {min(missing)} in {class_name}. Received: none.")
    return arrays


def _weights(backbone):
    """Yield (path, weight): paths begin with the backbone's layer; inner layers of the same name are numbered.

    Paths of Keras leave some layers out, and number nameless layers by the order of creation in the process.
    """
    for layer in backbone.layers:
        numbers = {}  # name without a number -> {inner layer: its number}
        for weight in layer.weights:
            part, slash, leaf = weight.path.removeprefix(f"{layer.name}/").rpartition("/")
            name = re.sub(r"_\d+$", "", part)
            number = numbers.setdefault(name, {}).setdefault(part, len(numbers[name]))
            yield f"{layer.name}/{name}{f'_{number}' if number else ''}{slash}{leaf}", weight


def _path(hub_path, layers):
    """The path in the zoo of a weight of KerasHub; None where the mapping has none."""
    if hub_path in layers:
        return layers[hub_path]
    layer, _, leaf = hub_path.rpartition("/")
    leaf = LEAVES.get(leaf, leaf)
    for hub_layer, target in layers.items():
        if match := re.fullmatch(hub_layer.replace("{i}", r"(\d+)"), layer):
            return f"{target.replace('{i}', ''.join(match.groups()))}/{leaf}"
    return None


def _reshape(array, shape):
    """An array in the zoo's shape: one axis for all heads, and zero rows before position embeddings."""
    array = np.asarray(array, "float32")
    if shape is None or array.ndim > len(shape):
        return np.ascontiguousarray(array if shape is None else array.reshape(shape))
    widths = tuple((target - size, 0) for size, target in zip(array.shape, shape, strict=True))
    return np.pad(array, np.array(widths))


def _write_tokenizer(hub, name, folder):
    """Write the tokenizer files of WordPiece and byte-pair tokenizers; SentencePiece is not supported."""
    from tokenizers import normalizers

    from zoo.text import tokenizer_files

    try:
        tokenizer = hub.models.Tokenizer.from_preset(name)
    except (OSError, ValueError, ImportError):  # a preset may have none
        return
    tokenizer.save_assets(str(folder))
    if isinstance(tokenizer, hub.tokenizers.WordPieceTokenizer):
        (folder / "vocabulary.txt").rename(folder / "vocab.txt")
        backend, config = tokenizer_files.load(folder / "vocab.txt").backend, tokenizer.get_config()
        options = {name: config[name] for name in ("lowercase", "strip_accents")}
        backend.normalizer = normalizers.BertNormalizer(**options)
        backend.save(str(folder / "tokenizer.json"))
    elif isinstance(tokenizer, hub.tokenizers.BytePairTokenizer):
        (folder / "vocabulary.json").rename(folder / "vocab.json")
