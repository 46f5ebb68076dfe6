"""Report of a precision: sizes of the weights, and the difference that rounding them makes to the model's score."""

from itertools import islice
from typing import Any

import keras
import numpy as np

from zoo.export.deployment.example_requests import example_requests
from zoo.export.example_batches import example_batches
from zoo.export.export_options import FLOAT32
from zoo.export.precision import rounded_weights, weight_bytes
from zoo.pipeline.pipeline import Pipeline
from zoo.pipeline.predictor import predict
from zoo.runtime.console import console
from zoo.runtime.errors import user_message

MAX_RECORDS = 1_000  # that are scored, with and without rounding: a generated text may take seconds
MEGABYTE = 1_000_000


def print_precision(pipeline: Pipeline, precision: str) -> None:
    """Print the sizes of a pipeline's weights before and after, and the score of its test split before and after.

    Where the data cannot be read any more, or has no test split, the largest difference of the network's outputs on
    example texts.
    """
    before, after = (weight_bytes(pipeline.model, name) for name in (FLOAT32, precision))
    console.print(f"Weights in {precision}: {_size(after)}, in float32 {_size(before)} ({after / before:.0%}).")
    try:
        records = pipeline.load_split(split="test")
    except Exception as error:
        if (reason := user_message(error)) is None and not isinstance(error, ImportError | OSError):
            raise
        console.print(f"The test split cannot be scored: {reason or error}")
        records = []
    console.print(
        _score_difference(pipeline, precision, records) if records else _output_difference(pipeline, precision)
    )


def _score_difference(pipeline, precision, records):
    rows, objective = list(islice(records, MAX_RECORDS)), pipeline.objective
    exact = _score(pipeline, rows)
    with rounded_weights(pipeline.model, precision):
        score = _score(pipeline, rows)
    of = f"{len(rows):,} of {len(records):,} records" if len(rows) < len(records) else f"{len(rows):,} records"
    difference = f"difference {score - exact:+.4f}"
    return f"{objective.monitor} on {of} of test: {score:.4f}, in float32 {exact:.4f} ({difference})."


def _score(pipeline, records):
    decisions = predict(pipeline.model, pipeline.objective, pipeline.tokenizer, records)
    return pipeline.objective.scores(decisions, records)[pipeline.objective.monitor]


def _output_difference(pipeline, precision):
    batches = example_batches(pipeline, example_requests(pipeline))
    exact = [_outputs(pipeline.model, batch) for batch in batches]
    with rounded_weights(pipeline.model, precision):
        outputs = [_outputs(pipeline.model, batch) for batch in batches]
    pairs = [pair for old, new in zip(exact, outputs, strict=True) for pair in zip(old, new, strict=True)]
    difference = max(float(np.abs(a - b).max()) for a, b in pairs)
    magnitude = max(float(np.abs(a).max()) for a, _ in pairs)
    return f"Largest difference of an output on example texts: {difference:.2g}, of values up to {magnitude:.2g}."


def _outputs(model: keras.Model, batch: dict[str, np.ndarray]) -> list[Any]:
    inputs = {name: keras.ops.convert_to_tensor(array) for name, array in batch.items()}
    return [keras.ops.convert_to_numpy(output) for output in keras.tree.flatten(model(inputs, training=False))]


def _size(count):
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE else f"{count / 1_000:.0f} kB"
