"""Setup of a run: the preset with its overrides, checks of every setting, and the model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import keras

from zoo import catalog, config
from zoo.architectures import Architecture
from zoo.architectures.mlp import MLP
from zoo.checkpoints.warm_start import start_from, warm_start
from zoo.objectives import Objective, build_model
from zoo.presets import Preset, Training
from zoo.readers.memory import to_spec
from zoo.runtime.console import console
from zoo.runtime.errors import UserError, did_you_mean
from zoo.text.tokenizer import Tokenizer
from zoo.training.data_columns import with_data
from zoo.training.distribution import MODES, check_backend
from zoo.training.finetuning import check_tuning
from zoo.training.hardware import AUTO, BFLOAT16, with_precision
from zoo.training.optimizer import SCHEDULES
from zoo.training.own_data import BUDGET, SCRATCH, preset_for_data
from zoo.training.tracking import TRACKERS
from zoo.transforms.frozen import block_of_layer
from zoo.transforms.sharding import build_sharded

PRECISIONS = (AUTO, "float32", BFLOAT16, "mixed_float16")
MINIMUM = {"epochs": 1, "batch_size": 1, "accumulation": 1}  # of numbers in `Training`; 0 for all others
BELOW_ONE = ("warmup", "ema", "beta_1", "beta_2")


def resolve_preset(
    preset: str | Preset,
    spec: str,
    columns: Mapping[str, str] | None,
    overrides: Sequence[str],
    init: str = "",
    budget: float = BUDGET,
) -> tuple[str, Preset]:
    """(name, preset) with the user's overrides applied.

    Args: see `zoo.train`. Raises UserError for a setting that is unknown, out of range or without effect, and for a
    class that is not registered, which could not be loaded again.
    """
    name = preset if isinstance(preset, str) else "model"
    if name in catalog.names("recipes"):
        preset = config.override(_from_recipe(name, spec, columns, overrides, init, budget), overrides)
    else:
        base = preset if isinstance(preset, Preset) else _named(name)
        base.objective.fields.check_columns(base.data.columns)
        preset = config.override(_with_init(base, init, overrides), overrides)
        spec = spec or to_spec(preset.data.spec, fingerprint=True)
        preset = with_data(preset, base.data, spec, columns, overrides)
    for part, kind in config.PARTS.items():
        catalog.name_of(kind, getattr(preset, part))  # raises where a class could not be loaded again
    if not preset.data.spec:
        fields = " and ".join(preset.objective.fields.required)
        raise UserError(f"Expected data with {fields} for the preset {name}: give --data FOLDER. Received: none.")
    check_training(preset.training)
    check_lora(preset)
    check_tuning(preset)
    check_packing(preset)
    check_remat(preset)
    return name, with_precision(preset)


def _from_recipe(name, spec, columns, overrides, init, budget):
    if not spec:
        fields = " and ".join(catalog.load("recipes", name).fields)
        raise UserError(f"Expected your own data, with {fields}: give --data FILE. Received: none.")
    if not init and any(text.startswith(("architecture=", "tokenizer=")) for text in overrides):
        init = SCRATCH  # the weights at hand are those of another network
    return preset_for_data(name, spec, columns, overrides, init, budget)


def _named(name):
    known = (*catalog.names("recipes"), *catalog.names("presets"))
    if name not in known:
        hint = "zoo list presets shows all; zoo train DATA chooses one for your data."
        raise UserError(f"Unknown preset. Received: {name!r}.{did_you_mean(name, known)} {hint}")
    return catalog.load("presets", name)


def check_packing(preset: Preset) -> None:
    """Raise UserError for packed rows of an objective that cannot be trained on them."""
    objective, length = preset.objective, preset.training.packed_length
    if length and objective.stateful:
        raise UserError("objective.stateful and training.packed_length contradict each other. Received: both.")
    if length and not objective.packable:
        name = type(objective).__name__
        raise UserError(f"training.packed_length must be 0 with {name}. Received: training.packed_length={length}.")


def check_remat(preset: Preset) -> None:
    """Raise UserError for gradient checkpointing of a network without blocks, which would store as much as before."""
    if preset.training.remat and not any(block_of_layer(preset.architecture).values()):
        name = type(preset.architecture).__name__
        raise UserError(f"training.remat needs a network with blocks. Received: training.remat=true with {name}.")


def _with_init(preset, init, overrides):
    """The preset with the network and tokenizer of its warm start, if any."""
    if init == SCRATCH:
        return replace(preset, training=replace(preset.training, init=""))
    overridden = [text.partition("=")[2] for text in overrides if text.startswith("training.init=")]
    init = init or (overridden[-1] if overridden else "") or preset.training.init
    return start_from(preset, init) if init else preset


def check_training(training: Training) -> None:
    """Raise UserError for a training setting out of its range."""
    for field, value in vars(training).items():
        minimum = MINIMUM.get(field, 0)
        if isinstance(value, int | float) and not minimum <= value < float("inf"):
            raise UserError(f"Expected training.{field} to be {minimum} or more. Received: {value}.")
        if field in BELOW_ONE and value >= 1:
            raise UserError(f"Expected training.{field} to be below 1. Received: {value}.")
    choices = {"schedule": SCHEDULES, "precision": PRECISIONS, "track": TRACKERS, "distribute": MODES}
    for field, known in choices.items():
        value = getattr(training, field)
        if value not in known and not (field == "track" and value == ""):
            hint = did_you_mean(value, known)
            raise UserError(f"Expected training.{field} to be one of {', '.join(known)}. Received: {value!r}.{hint}")
    check_backend(training)


def check_lora(preset: Preset) -> None:
    """Raise UserError for LoRA settings out of range, or without weights to start from."""
    lora = preset.lora
    ranges = {  # {field: (whether its value is legal, the legal values)}
        "rank": (lora.rank >= 0, "0 or more"),
        "alpha": (lora.alpha > 0, "above 0"),
        "dropout": (0 <= lora.dropout < 1, "0 or more and below 1"),
    }
    for field, (legal, expected) in ranges.items():
        if not legal:
            raise UserError(f"Expected lora.{field} to be {expected}. Received: {getattr(lora, field)}.")
    if lora.rank and not preset.training.init:
        raise UserError("lora.rank needs weights to start from: give --from FOLDER. Received: none.")
    if lora.rank and getattr(preset.tokenizer, "added_tokens", ()):
        raise UserError(
            "lora.rank freezes the embeddings of tokenizer.added_tokens: train without LoRA first, then start "
            "from that folder. Received: both."
        )


def match_tokenizer(preset: Preset, tokenizer: Tokenizer) -> Architecture:
    """The architecture with the tokenizer's vocabulary size, padding id and, for words of characters, separators.

    A pretrained network may have more embeddings than its tokenizer has tokens; their number stays.
    """
    minimum = preset.architecture.vocabulary if preset.training.init else 0
    size = max(minimum, tokenizer.vocabulary_size)
    architecture = replace(preset.architecture, vocabulary=size, padding=tokenizer.padding)
    if not isinstance(architecture, MLP) or not architecture.whole_words:
        return architecture
    if tokenizer.separators is None:
        kind = type(preset.tokenizer).__name__.lower()
        legal = "tokenizer=characters or tokenizer=bytes, or architecture.whole_words=false"
        raise UserError(f"Words of characters need {legal}. Received: tokenizer={kind}.")
    return replace(architecture, separators=tokenizer.separators)


def initial_model(
    objective: Objective, architecture: Architecture, init: str = "", vocabulary_size: int = 0
) -> tuple[keras.Model, tuple[str, ...]]:
    """Build the network with its head: `(model, paths of the weights with new, random values)`.

    Args:
        init: warm start: a folder or name whose weights are loaded.
        vocabulary_size: of the tokenizer.

    Raises UserError, with the reason, where these settings make no network.
    """
    build = partial(_build, objective)
    if not init:
        model = build(architecture)
        return model, tuple(weight.path for weight in model.weights)
    model, new = warm_start(build, objective, architecture, init, vocabulary_size)
    console.print(f"Started from {init}; new weights: {', '.join(new) or 'none'}.")
    return model, new


def _build(objective, architecture):
    return build_sharded(partial(_build_model, objective, architecture))


def _build_model(objective, architecture):
    try:
        return build_model(objective, architecture)
    except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:  # backends differ in what they raise
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"Cannot build the network with these settings: {reason} Received: {architecture}.") from error
