"""The signatures of an exported SavedModel: functions of a graph, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo.export.export_options import ExportOptions
from zoo.export.graph_weights import within
from zoo.objectives._objective import Generates

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.pipeline.pipeline import Pipeline


def signatures(
    pipeline: Pipeline, server: tf.Module, options: ExportOptions, weights: Callable[[], AbstractContextManager]
) -> dict[str, Callable]:
    """{name: `tf.function`} of a pipeline: see `zoo.export.saved_model.export`.

    `server` holds the `GraphTokenizer` as `tokenizer`; what the functions need beside it becomes an attribute of it.
    `weights` is the context in which the network is traced: see `zoo.export.graph_weights`.
    """
    functions = {"encode": _encode(pipeline, server, options), "logits": network_function(pipeline.model, weights)}
    if isinstance(pipeline.objective, Generates):
        from zoo.export.graph.text_signatures import text_signatures

        return functions | text_signatures(pipeline, server.tokenizer, options, weights)
    return functions | {"serving_default": _answers(pipeline, server, options, weights)}


def _answers(pipeline, server, options, weights):
    """The answers of an objective that decides: one input for each of its texts."""
    import tensorflow as tf

    from zoo.export.graph.batching import batched
    from zoo.export.graph_answers import ANSWERS

    objective = pipeline.objective
    if objective.graph_input == "words":
        from zoo.export.tokenizer.graph_words import GraphWordTokenizer

        server.words = GraphWordTokenizer(server.tokenizer)
    answers = ANSWERS[objective.graph_input]
    specs = [tf.TensorSpec([None], tf.string, name) for name in objective.fields.inputs]
    function = within(weights, lambda *texts: answers(pipeline, server, *texts))
    return tf.function(batched(function, options.batching), specs)


def _encode(pipeline, server, options):
    """The tokenizer: ids, character offsets and their number for each text."""
    import tensorflow as tf

    from zoo.export.graph.batching import batched

    def encode(text):
        return server.tokenizer.encode(text, pipeline.preset.architecture.padding)

    return tf.function(batched(encode, options.batching), [tf.TensorSpec([None], tf.string, "text")])


def network_function(
    model: keras.Model, weights: Callable[[], AbstractContextManager], shape: list[int | None] | None = None
) -> Callable:
    """The network: ids to float32 numbers, `logits`, or by name where it has several outputs.

    `shape` is that of each input; None: any number of rows of any length.
    """
    import tensorflow as tf

    names = list(model.input)
    specs = [tf.TensorSpec(shape or model.input[name].shape, tf.int32, name) for name in names]

    def logits(*ids):
        outputs = model(dict(zip(names, ids, strict=True)), training=False)
        outputs = outputs if isinstance(outputs, dict) else {"logits": outputs}
        return {name: ops.cast(output, "float32") for name, output in outputs.items()}

    return tf.function(within(weights, logits), specs)
