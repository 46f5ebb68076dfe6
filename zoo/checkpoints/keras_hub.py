"""Presets of KerasHub (https://keras.io/keras_hub): read by keras_hub itself, and kept as folders of transformers.

They are kept in zoo/ of Keras's own folder, so that a preset is converted once.
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

LOGITS = "logits/kernel"  # of a head; without it logits are made with the word vectors
LEAVES = {"weight": "scale"}  # of layers there that are not Keras's own


def is_preset(folder):
    """Whether a folder is a preset of KerasHub."""
    config = folder / "config.json"
    return config.is_file() and '"keras_hub' in config.read_text(encoding="utf-8", errors="replace")


def as_huggingface(name):
    """The folder of transformers that a preset becomes, given its name or folder.

    Raises UserError where keras_hub is not installed or cannot fetch it, or where the zoo has no such network.
    """
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    folder = home / "zoo" / f"{Path(name).name}-{_version(Path(name), name)}"
    if not folder.is_dir():
        hub, backbone = _fetch(name)
        architecture, head, tensors = _converted(backbone)
        with atomic_folder(folder) as partial:
            save_file(tensors, partial / SINGLE, metadata={"format": "pt"})
            config = architecture.huggingface.to_config(architecture) | {"architectures": [head]}
            write_text(partial / "config.json", json.dumps(config, indent=2) + "\n")
            _write_tokenizer(hub, name, partial)
    return folder


def _version(folder, name):
    """Digits that are others where a preset's files are."""
    files = sorted(path for path in folder.glob("*") if path.is_file())
    found = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.blake2b(repr((name, found)).encode(), digest_size=6).hexdigest()


def _fetch(name):
    """`(keras_hub, backbone)` of a preset."""
    try:
        import keras_hub

        return keras_hub, keras_hub.models.Backbone.from_preset(name)
    except ModuleNotFoundError as error:
        raise UserError(f"Expected keras-hub to be installed, for {name}. Received: {error}.") from None
    except (OSError, ValueError, ImportError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
        raise UserError(f"keras_hub cannot read {name} ({reason}). Without a network, give a folder.") from None


def _converted(backbone):
    """(architecture, name of its class in transformers, {name: tensor}) of a backbone."""
    classes = [catalog.load("architectures", name) for name in catalog.names("architectures")]
    known = {cls.keras_hub.class_name: cls for cls in classes if cls.keras_hub}
    kind = type(backbone).__name__
    if kind not in known:
        raise UserError(unknown("backbone of KerasHub", kind, sorted(known)))
    table, huggingface = known[kind].keras_hub, known[kind].huggingface
    architecture = table.from_config(known[kind], backbone.get_config())
    arrays, head = _arrays(backbone, table, architecture), huggingface.heads.get(table.head)
    if head:
        architecture = replace(architecture, tied=LOGITS not in arrays)
    return architecture, table.head or huggingface.class_name, tensors_of(arrays, huggingface, head)


def _arrays(backbone, table, architecture):
    """{path here: array} of all weights of a backbone. Raises UserError where they are not those of the table."""
    from zoo.transforms.lazy import shapes

    wanted, rows, found = shapes(architecture.backbone), table.layers_of(architecture), {}
    for there, weight in _weights(backbone):
        path = _path(there, rows)
        if path is None or path in found:
            raise UserError(f"Expected the weights of {table.class_name} as the zoo knows them. Received: {there}.")
        found[path] = _shaped(keras.ops.convert_to_numpy(weight.value), wanted.get(path))
    if missing := set(wanted) - set(found):
        raise UserError(f"Expected a weight for {min(missing)} in {table.class_name}. Received: none.")
    return found


def _weights(backbone):
    """Yield (path, weight): paths begin with the backbone's layer, in which parts of one name are counted anew.

    Keras leaves some layers out, and counts nameless ones in the order in which a process made them.
    """
    for layer in backbone.layers:
        numbers = {}  # name without a number -> {part of that name: its number}
        for weight in layer.weights:
            part, slash, leaf = weight.path.removeprefix(f"{layer.name}/").rpartition("/")
            name = re.sub(r"_\d+$", "", part)
            number = numbers.setdefault(name, {}).setdefault(part, len(numbers[name]))
            yield f"{layer.name}/{name}{f'_{number}' if number else ''}{slash}{leaf}", weight


def _path(there, layers):
    if there in layers:
        return layers[there]
    layer, _, leaf = there.rpartition("/")
    leaf = "table" if "position" in layer.rpartition("/")[2] else LEAVES.get(leaf, leaf)
    for row, here in layers.items():
        if match := re.fullmatch(row.replace("{i}", r"(\d+)"), layer):
            return f"{here.replace('{i}', ''.join(match.groups()))}/{leaf}"
    return None


def _shaped(array, shape):
    """An array in a shape of one axis for all heads; a table of positions may have unused rows at its beginning."""
    array = np.asarray(array, "float32")
    if shape is None or array.ndim > len(shape):
        return np.ascontiguousarray(array if shape is None else array.reshape(shape))
    return np.pad(array, [(more - size, 0) for size, more in zip(array.shape, shape, strict=True)])


def _write_tokenizer(hub, name, folder):
    """Write what zoo.tokenizer reads, of tokenizers by word pieces and byte pairs; those of sentencepiece have none."""
    from tokenizers import normalizers

    from zoo.text import tokenizer_files

    try:
        tokenizer = hub.models.Tokenizer.from_preset(name)
    except (OSError, ValueError, ImportError):  # a preset may have none
        return
    tokenizer.save_assets(str(folder))
    if isinstance(tokenizer, hub.tokenizers.WordPieceTokenizer):
        (folder / "vocabulary.txt").rename(folder / "vocab.txt")
        backend, config = tokenizer_files.load(folder / "vocab.txt"), tokenizer.get_config()
        lower, accents = config["lowercase"], config["strip_accents"]
        backend.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=accents)
        backend.save(str(folder / "tokenizer.json"))
    elif isinstance(tokenizer, hub.tokenizers.BytePairTokenizer):
        (folder / "vocabulary.json").rename(folder / "vocab.json")
