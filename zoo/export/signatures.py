"""The signatures of an exported SavedModel: functions of a graph, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo.export.export_options import ExportOptions
from zoo.objectives._objective import Generates

if TYPE_CHECKING:
    import tensorflow as tf

    from zoo.pipeline.pipeline import Pipeline


def signatures(pipeline: Pipeline, server: tf.Module, options: ExportOptions) -> dict[str, Callable]:
    """{name: `tf.function`} of a pipeline: see `zoo.export.saved_model.export`.

    `server` holds the `GraphTokenizer` as `tokenizer`; what the functions need beside it becomes an attribute of it.
    """
    functions = {"encode": _encode(pipeline, server, options), "logits": _logits(pipeline.model)}
    if isinstance(pipeline.objective, Generates):
        from zoo.export.graph.text_signatures import text_signatures

        return functions | text_signatures(pipeline, server.tokenizer, options)
    return functions | {"serving_default": _answers(pipeline, server, options)}


def _answers(pipeline, server, options):
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
    return tf.function(batched(lambda *texts: answers(pipeline, server, *texts), options.batching), specs)


def _encode(pipeline, server, options):
    """The tokenizer: ids, character offsets and their number for each text."""
    import tensorflow as tf

    from zoo.export.graph.batching import batched

    def encode(text):
        return server.tokenizer.encode(text, pipeline.preset.architecture.padding)

    return tf.function(batched(encode, options.batching), [tf.TensorSpec([None], tf.string, "text")])


def _logits(model: keras.Model):
    """The network: ids to float32 numbers, `logits`, or by name where it has several outputs."""
    import tensorflow as tf

    names = list(model.input)
    specs = [tf.TensorSpec(model.input[name].shape, tf.int32, name) for name in names]

    def logits(*ids):
        outputs = model(dict(zip(names, ids, strict=True)), training=False)
        outputs = outputs if isinstance(outputs, dict) else {"logits": outputs}
        return {name: ops.cast(output, "float32") for name, output in outputs.items()}

    return tf.function(logits, specs)
