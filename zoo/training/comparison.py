"""Comparison of two models on the same records: scores with a paired bootstrap interval, and changed answers.

Paired bootstrap: Koehn 2004, https://aclanthology.org/W04-3250; Efron & Tibshirani 1993, chapter 13.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo import config
from zoo.pipeline.model_folder import load
from zoo.pipeline.pipeline import Pipeline
from zoo.pipeline.predictor import predict
from zoo.runtime.console import console
from zoo.runtime.errors import UserError

ALTERNATIVES = "n_best"  # answers below the best one
SECONDS = 60.0  # that the resamples may take: scores such as BLEU take long
MINIMUM, MAXIMUM = 100, 1000  # resamples


@dataclass(frozen=True)
class ScoreDifference:
    """A score of both models, and the 95 % interval of its difference, second minus first."""

    first: float
    second: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the interval excludes 0."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Change:
    """A record that two models answer differently."""

    inputs: dict[str, Any]
    first: str
    second: str
    gain: float  # of the objective's monitored score of this record alone, second minus first


@dataclass(frozen=True)
class Comparison:
    """The comparison of two models."""

    settings: dict[str, tuple[Any, Any]]  # path: the value in each
    scores: dict[str, ScoreDifference]
    changes: list[Change]  # those of the greatest gain or loss first
    records: int
    resamples: int


def compare(first: str | Path, second: str | Path, data: str | Path = "", split: str = "", seed: int = 0) -> Comparison:
    """Compare two models on the same records.

    Args:
        first, second: model folders.
        data: a dataset spec; "": the data of the first model.
        split: "": the test split, else the last one.
        seed: of the resamples.

    Raises UserError for models of different tasks, and for records that one of them cannot be scored on.
    """
    pipelines = load(first), load(second)
    _check_same_task(*pipelines)
    records = pipelines[0].load_split(data, split)
    _check_records(pipelines[1], records)
    settings = _settings(pipelines)
    if any(name.startswith("data.") for name in settings) and not data:
        console.print(f"The models were trained on different data: scored on the records of {first}.")
    decisions = [predict(pipeline.model, pipeline.objective, pipeline.tokenizer, records) for pipeline in pipelines]
    scores, resamples = _bootstrap(pipelines, decisions, records, seed)
    return Comparison(settings, scores, _changes(pipelines, decisions, records), len(records), resamples)


def _check_same_task(first, second):
    names = [type(pipeline.objective).__name__ for pipeline in (first, second)]
    if names[0] != names[1] or first.objective.fields != second.objective.fields:
        raise UserError(f"Expected two models of the same task. Received: {names[0]} and {names[1]}.")


def _check_records(pipeline: Pipeline, records: Sequence[dict]) -> None:
    """Raise UserError for records that do not fit the model, such as a label that it does not know."""
    preparation = pipeline.objective.preparation(pipeline.preset.architecture)
    for number, record in enumerate(records, 1):
        preparation.add("test", f"record {number}", record)
    preparation.finish(lambda split: split)


def _settings(pipelines):
    """{path: values} of the settings that differ."""
    presets = [json.loads(config.to_json(pipeline.preset)) for pipeline in pipelines]
    paths = config.differences(*(pipeline.preset for pipeline in pipelines))
    return {path: (_leaf(presets[0], path), _leaf(presets[1], path)) for path in paths}


def _leaf(tree, path):
    for name in path.split("."):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _bootstrap(pipelines, decisions, records, seed):
    """({score: difference}, number of resamples); each resample draws as many records as there are."""
    objectives = [pipeline.objective for pipeline in pipelines]
    start = time.monotonic()
    first, second = (objective.scores(made, records) for objective, made in zip(objectives, decisions, strict=True))
    seconds = time.monotonic() - start
    resamples = int(np.clip(SECONDS / max(seconds, 1e-6), MINIMUM, MAXIMUM))
    names = [name for name in first if name in second]
    random, differences = np.random.default_rng(seed), np.zeros((resamples, len(names)))
    for row in differences:
        indices = random.integers(0, len(records), len(records))
        sample = [records[i] for i in indices]
        left, right = (
            objective.scores([made[i] for i in indices], sample)
            for objective, made in zip(objectives, decisions, strict=True)
        )
        row[:] = [right.get(name, np.nan) - left.get(name, np.nan) for name in names]
    low, high = np.nanpercentile(differences, [2.5, 97.5], axis=0)
    values = zip(names, low.tolist(), high.tolist(), strict=True)
    return {name: ScoreDifference(first[name], second[name], a, b) for name, a, b in values}, resamples


def _changes(pipelines, decisions, records):
    """The records with different answers; the greatest change of the monitored score first."""
    objectives, changes = [pipeline.objective for pipeline in pipelines], []
    for record, *made in zip(records, *decisions, strict=True):
        pairs = list(zip(objectives, made, strict=True))
        answers = [objective.answer(decision, record) for objective, decision in pairs]
        texts = [_text(objective, answer) for objective, answer in zip(objectives, answers, strict=True)]
        if texts[0] != texts[1]:
            scores = [
                objective.scores([decision], [record]).get(objective.monitor, 0.0) for objective, decision in pairs
            ]
            inputs = {name: record[name] for name in objectives[0].fields.inputs if name in record}
            changes.append(Change(inputs, *texts, gain=scores[1] - scores[0]))
    return sorted(changes, key=lambda change: -abs(change.gain))


def _text(objective, answer) -> str:
    """An answer without its probabilities; of an answer that is only numbers, its text to people."""
    discrete = _without_floats(answer)
    if isinstance(discrete, dict) and len(discrete) == 1:
        (discrete,) = discrete.values()
    if isinstance(discrete, str):
        return discrete
    return json.dumps(discrete, ensure_ascii=False) if discrete else objective.format(answer)


def _without_floats(value):
    if isinstance(value, dict):
        items = {key: item for key, item in value.items() if key != ALTERNATIVES and not isinstance(item, float)}
        discrete = {key: _without_floats(item) for key, item in items.items()}
        return {key: item for key, item in discrete.items() if item != {} or value[key] == {}}
    return (
        [_without_floats(item) for item in value if not isinstance(item, float)] if isinstance(value, list) else value
    )
