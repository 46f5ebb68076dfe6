"""Example inputs of a network: the ids of example requests, each alone and all as one padded batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.collate import Collator
from zoo.objectives._objective import Generates
from zoo.pipeline.pipeline import Pipeline
from zoo.pipeline.predictor import BatchPredictor

Batch = dict[str, np.ndarray]  # {input of the network: (rows, time) ids}


def example_batches(pipeline: Pipeline, requests: Sequence[Mapping[str, str]]) -> list[Batch]:
    """The inputs of a network for requests, as `predict` makes them: batches of one row, and one of all rows."""
    fields = pipeline.objective.fields
    texts = [tuple(request.values()) for request in requests]
    records: list = fields.records([text if len(fields.inputs) > 1 else text[0] for text in texts])
    examples = [example for example in _examples(pipeline, records) if all(len(ids) for ids in _texts(example))]
    groups = [[example] for example in examples] + ([examples] if len(examples) > 1 else [])
    return [_pad(pipeline, group) for group in groups]


def _examples(pipeline, records):
    """The examples that an objective predicts from; of one that generates, its prompts, which fit into the context."""
    objective: Any = pipeline.objective
    if isinstance(objective, Generates):
        prompts = (objective.prompt_ids(record, pipeline.tokenizer) for record in records)
        return [{name: ids[-objective.length :] for name, ids in prompt.items()} for prompt in prompts]
    recorder = _ExampleRecorder(pipeline.model, objective, pipeline.tokenizer)
    objective.predict(recorder, records, pipeline.tokenizer)
    return recorder.examples


def _texts(example):
    return [example[name] for name in ("tokens", "source", "target") if name in example]


def _pad(pipeline, examples):
    collator = Collator.for_model(pipeline.model, pipeline.objective, pipeline.tokenizer, examples[0])
    sizes = np.array([collator.sizes(example) for example in examples])
    batch = collator.pad(examples, sizes.max(axis=0))
    return {name: batch[name] for name in pipeline.model.input}


class _ExampleRecorder(BatchPredictor):
    """A batch predictor that stores the examples that it runs on."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.examples: list[dict[str, np.ndarray]] = []

    def __call__(self, examples, transform=None):
        self.examples += examples
        return super().__call__(examples, transform)
