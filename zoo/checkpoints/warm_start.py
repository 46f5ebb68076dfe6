"""Warm start: training from the weights, architecture and tokenizer of a checkpoint or of a model folder of the zoo."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras

from zoo import catalog, config
from zoo.architectures import Architecture
from zoo.checkpoints.hf_config import read_folder, read_tokenizer
from zoo.checkpoints.label_order import class_names, is_afresh, label_orders, published_class_names, reordered
from zoo.checkpoints.loading import build_with_weights
from zoo.checkpoints.resize import resize_vocabulary
from zoo.checkpoints.resolve import resolve
from zoo.checkpoints.sentence_transformers import read_embedder, read_pooling
from zoo.data.chat_template import FROM_TOKENIZER, PLAIN_NAME, with_special_tokens
from zoo.objectives import Objective
from zoo.pipeline.model_folder import load
from zoo.presets import Preset
from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.pretrained import Pretrained
from zoo.transforms.lazy import shapes


def start_from(preset: Preset, name: str | Path) -> Preset:
    """A preset with the architecture and the tokenizer of a folder, or of a name as in `zoo.checkpoints.resolve`.

    An objective without a pooling of its own gets that of sentence-transformers' files, where the folder has them.
    """
    folder = resolve(name)
    architecture, read = _read(folder)
    objective = _with_chat_template(preset.objective, read, folder)
    if getattr(objective, "pooling", "") is None and not _is_model_folder(folder):
        embeds = hasattr(objective, "prompt")
        objective = replace(objective, **read_embedder(folder) if embeds else {"pooling": read_pooling(folder)})
    tokenizer = Pretrained(folder=str(folder.absolute()), added_tokens=getattr(preset.tokenizer, "added_tokens", ()))
    training = replace(preset.training, init=str(name))
    return replace(preset, architecture=architecture, objective=objective, tokenizer=tokenizer, training=training)


def _with_chat_template(objective, tokenizer, folder):
    """The objective with the tokenizer's chat template where `template` asks for it."""
    template = tokenizer.settings and tokenizer.settings.chat_template
    template_name = getattr(objective, "template", "")
    if template_name == FROM_TOKENIZER and not template:
        raise UserError(f"Expected a chat template in {folder}, for objective.template=tokenizer. Received: none.")
    if template_name == FROM_TOKENIZER:
        return replace(objective, template=with_special_tokens(template, tokenizer.settings.roles))
    if template_name == PLAIN_NAME and template:
        print_once(f"{folder} has a chat template: objective.template=tokenizer trains with it, in place of plain.")
    return objective


def read_pretrained(name: str | Path) -> tuple[Architecture, Tokenizer]:
    """`(architecture, tokenizer)` of a folder, or of a name as in `zoo.checkpoints.resolve`."""
    return _read(resolve(name))


def warm_start(
    build: Callable[[Architecture], keras.Model],
    objective: Objective,
    architecture: Architecture,
    name: str | Path,
    vocabulary_size: int,
) -> tuple[keras.Model, tuple[str, ...]]:
    """Warm start a model: `(model, new)`, with a folder's weights, and the paths of weights that are new.

    The model is what `build(architecture)` builds.

    Args:
        objective: weights of the head are loaded from a folder of the zoo with the same kind of objective.
        name: a folder, or a name as in `zoo.checkpoints.resolve`.
        vocabulary_size: ids of the tokenizer; embeddings of ids that the folder's tokenizer lacks are means: see
            `zoo.checkpoints.resize`.

    Raises UserError where weights of the backbone do not fit.
    """
    folder = resolve(name)
    original, tokenizer = _read(folder)
    if vocabulary_size <= tokenizer.vocabulary_size:
        return _load(partial(build, architecture), objective, architecture, folder)
    smaller = replace(architecture, vocabulary=original.vocabulary)
    model, new = _load(partial(build, smaller), objective, smaller, folder)
    return resize_vocabulary(build, architecture, model, tokenizer.vocabulary_size, vocabulary_size), new


def _load(build, objective, architecture, folder):
    if not _is_model_folder(folder):
        orders = label_orders(class_names(objective), published_class_names(folder))
        model, report = build_with_weights(build, folder, skip_mismatch=True, orders=orders)
        return model, report.new
    model, weights = build(), _weights_of(folder, objective)
    for path, shape in shapes(architecture.backbone).items():
        received = weights[path].shape if path in weights else None
        if received != shape:
            raise UserError(
                f"Expected weights of shape {shape} for {path} in {folder}. Received: {received or 'none'}."
            )
    matching = {w.path for w in model.weights if w.path in weights and weights[w.path].shape == tuple(w.shape)}
    for weight in model.weights:
        if weight.path in matching:
            weight.assign(weights[weight.path])
    return model, tuple(weight.path for weight in model.weights if weight.path not in matching)


def load_backbone(name: str | Path) -> tuple[Architecture, Tokenizer, keras.Model]:
    """`(architecture, tokenizer, backbone)` of a folder, or of a name as in `zoo.checkpoints.resolve`.

    Raises UserError where the folder is damaged, or its files do not fit together.
    """
    folder = resolve(name)
    architecture, tokenizer = _read(folder)
    vocabulary = max(architecture.vocabulary, tokenizer.vocabulary_size)
    architecture = replace(architecture, vocabulary=vocabulary, padding=tokenizer.padding)
    if not _is_model_folder(folder):
        return architecture, tokenizer, build_with_weights(architecture.backbone, folder)[0]
    backbone, model = architecture.backbone(), load(folder).model
    weights = {weight.path: weight for weight in model.weights}
    for weight in backbone.weights:
        weight.assign(weights[weight.path].value)
    return architecture, tokenizer, backbone


def _read(folder):
    """(architecture, tokenizer) of a folder. Raises UserError where they do not fit."""
    if not _is_model_folder(folder):
        return read_folder(folder)
    architecture = _preset(folder).architecture
    return architecture, read_tokenizer(folder, architecture)


def _weights_of(folder, objective):
    """{path: array} of a model folder; with those of its head where it has the same kind of objective.

    Rows of a head follow the names of its labels; they are left out where these are others.
    """
    loaded = load(folder)
    weights = {weight.path: keras.ops.convert_to_numpy(weight.value) for weight in loaded.model.weights}
    if catalog.name_of("objectives", loaded.objective) == catalog.name_of("objectives", objective):
        orders = label_orders(class_names(objective), class_names(loaded.objective))
        return {path: reordered(path, x, orders) for path, x in weights.items() if not is_afresh(path, orders)}
    return {path: weights[path] for path in shapes(loaded.preset.architecture.backbone)}


def _is_model_folder(folder):
    """Whether a folder is one that the zoo wrote."""
    return (folder / "preset.json").is_file()


def _preset(folder):
    path = folder / "preset.json"
    try:
        return config.from_json(path.read_text(encoding="utf-8"))
    except UserError as error:
        raise UserError(f"{path} cannot be read: {error}") from error
