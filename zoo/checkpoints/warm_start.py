"""Training that starts from a folder, of the zoo or of transformers: its architecture, tokenizer and weights."""

from dataclasses import replace
from functools import partial

from zoo import catalog, config
from zoo.checkpoints.folder import read_tokenizer
from zoo.checkpoints.hf_config import read_architecture, read_config
from zoo.checkpoints.loading import build_with_weights
from zoo.checkpoints.resize import grow
from zoo.checkpoints.resolve import resolve
from zoo.pipeline import pipeline
from zoo.runtime.errors import UserError
from zoo.tokenizers.pretrained import Pretrained
from zoo.transforms.lazy import shapes


def start_from(preset, name):
    """A preset with the architecture and the tokenizer of a folder, or of a name as in `zoo.checkpoints.resolve`."""
    folder = resolve(name)
    architecture, _ = _read(folder)
    tokenizer = Pretrained(folder=str(folder.absolute()), added_tokens=getattr(preset.tokenizer, "added_tokens", ()))
    training = replace(preset.training, init=str(name))
    return replace(preset, architecture=architecture, tokenizer=tokenizer, training=training)


def warm_start(draw, objective, architecture, name, size):
    """What `draw(architecture)` draws with a folder's weights: `(model, fresh)`, paths of weights of its head.

    Where the tokenizer, now of `size` ids, has some that the folder's has not, their vectors are means: `grow`.

    Raises UserError where weights below the head do not fit.
    """
    folder = resolve(name)
    before, tokenizer = _read(folder)
    if size <= tokenizer.vocabulary_size:
        return _begin(partial(draw, architecture), objective, architecture, folder)
    smaller = replace(architecture, vocabulary=before.vocabulary)
    model, fresh = _begin(partial(draw, smaller), objective, smaller, folder)
    return grow(draw, architecture, model, tokenizer.vocabulary_size, size), fresh


def _begin(make, objective, architecture, folder):
    if not _is_ours(folder):
        model, loaded = build_with_weights(make, folder, fitting=True)
        return model, loaded.fresh
    model, given = make(), _given(folder, objective)
    for path, shape in shapes(architecture.backbone).items():
        found = tuple(given[path].shape) if path in given else None
        if found != shape:
            raise UserError(f"Expected weights of shape {shape} for {path} in {folder}. Received: {found or 'none'}.")
    fitting = {w.path for w in model.weights if w.path in given and tuple(given[w.path].shape) == tuple(w.shape)}
    for weight in model.weights:
        if weight.path in fitting:
            weight.assign(given[weight.path].value)
    return model, tuple(weight.path for weight in model.weights if weight.path not in fitting)


def load_backbone(name):
    """`(architecture, tokenizer, backbone)` of a folder: a network without a head, with the folder's weights."""
    folder = resolve(name)
    architecture, tokenizer = _read(folder)
    vocabulary = max(architecture.vocabulary, tokenizer.vocabulary_size)
    architecture = replace(architecture, vocabulary=vocabulary, padding=tokenizer.padding)
    if not _is_ours(folder):
        return architecture, tokenizer, build_with_weights(architecture.backbone, folder)[0]
    backbone, given = architecture.backbone(), {weight.path: weight for weight in pipeline.load(folder).model.weights}
    for weight in backbone.weights:
        weight.assign(given[weight.path].value)
    return architecture, tokenizer, backbone


def _read(folder):
    """(architecture, tokenizer) of a folder. Raises UserError where they do not fit."""
    architecture = _preset(folder).architecture if _is_ours(folder) else read_architecture(read_config(folder))
    return architecture, read_tokenizer(folder, architecture)


def _given(folder, objective):
    """{path: weight} of a model folder; of its head too where it was made for the same kind of objective."""
    loaded = pipeline.load(folder)
    weights = {weight.path: weight for weight in loaded.model.weights}
    if catalog.name_of("objectives", loaded.objective) == catalog.name_of("objectives", objective):
        return weights
    return {path: weights[path] for path in shapes(loaded.preset.architecture.backbone)}


def _is_ours(folder):
    return (folder / "preset.json").is_file()


def _preset(folder):
    path = folder / "preset.json"
    try:
        return config.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}") from error
