"""The signatures of a model that generates text: `serving_default`, and `generate` with parameters for each text."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

from zoo.export.export_options import ExportOptions
from zoo.export.generator import GraphGenerator, controls_of, graph_config, sampling_controls
from zoo.export.graph.batching import Columns, batched
from zoo.export.graph.graph_noise import hash_ids, prompt_keys
from zoo.export.graph_weights import within
from zoo.export.tokenizer.detokenizer import Detokenizer
from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer
from zoo.export.tokenizer.prompts import PromptBuilder
from zoo.pipeline.pipeline import Pipeline

TEXT = tf.TensorSpec([None], tf.string, "text")
PARAMETERS = {  # of `generate`, {name: type}; each is a number, or (rows,) numbers
    "max_new_tokens": tf.int32,
    "temperature": tf.float32,
    "top_k": tf.int32,
    "top_p": tf.float32,
    "seed": tf.int64,
}
RANGES = {  # {name: (the range in words, whether numbers are in it)}
    "max_new_tokens": ("of at least 0", lambda n: n >= 0),
    "temperature": ("of at least 0", lambda n: (n >= 0) & tf.math.is_finite(n)),
    "top_k": ("of at least 0", lambda n: n >= 0),
    "top_p": ("above 0 and at most 1", lambda n: (n > 0) & (n <= 1)),
}


def text_signatures(
    pipeline: Pipeline,
    tokenizer: GraphTokenizer,
    options: ExportOptions,
    weights: Callable[[], AbstractContextManager],
) -> dict[str, Callable]:
    """{name: `tf.function`} of a pipeline that generates: `serving_default` and `generate`."""
    generation = GraphTextGeneration(pipeline, tokenizer, options, weights)
    defaults = generation.defaults()

    def serving_default(text: tf.Tensor) -> Columns:
        return generation(text, defaults)

    def generate(
        text: tf.Tensor,
        max_new_tokens: tf.Tensor = defaults["max_new_tokens"],
        temperature: tf.Tensor = defaults["temperature"],
        top_k: tf.Tensor = defaults["top_k"],
        top_p: tf.Tensor = defaults["top_p"],
        seed: tf.Tensor = defaults["seed"],
    ) -> Columns:
        parameters = dict(zip(PARAMETERS, (max_new_tokens, temperature, top_k, top_p, seed), strict=True))
        return generation(text, parameters)

    specs = [tf.TensorSpec(None, dtype, name) for name, dtype in PARAMETERS.items()]  # of any rank: a scalar too
    return {
        "serving_default": tf.function(serving_default, [TEXT], autograph=False),
        "generate": tf.function(generate, [TEXT, *specs], autograph=False),
    }


class GraphTextGeneration:
    """Texts to generated texts in a graph, in batches of rows that are decoded alike.

    Args:
        pipeline: the trained `Pipeline`.
        tokenizer: the `GraphTokenizer` of its texts.
        options: with the number of beams, and whether concurrent requests are batched.
        weights: the context in which the network is traced.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        tokenizer: GraphTokenizer,
        options: ExportOptions,
        weights: Callable[[], AbstractContextManager],
    ):
        objective: Any = pipeline.objective
        template, architecture = objective.prompt_template(pipeline.tokenizer), pipeline.preset.architecture
        self.generator = GraphGenerator(pipeline, template)
        prompts = PromptBuilder(tokenizer, template, self.generator.prompt_length, architecture.padding)
        self.prompt_ids = tf.function(prompts, [TEXT], autograph=False)  # traced once
        self.detokenizer = Detokenizer(pipeline.tokenizer, architecture.vocabulary)
        self.default = graph_config(pipeline, beams=options.beams)
        self.most_probable = graph_config(pipeline, beams=options.beams, temperature=0.0)
        self.sampling = graph_config(pipeline, temperature=1.0)
        self.decode = batched(within(weights, self._decode), options.batching)
        self.sample = batched(within(weights, self._sample), options.batching)

    def defaults(self) -> dict[str, tf.Tensor]:
        """The parameters of `generate` by which `serving_default` decodes; `max_new_tokens` 0 is the model's own."""
        config = self.default
        values = {"max_new_tokens": 0, "temperature": config.temperature, "seed": config.seed}
        values |= {"top_k": config.top_k or 0, "top_p": 1.0 if config.top_p is None else config.top_p}
        return {name: tf.constant(values[name], dtype) for name, dtype in PARAMETERS.items()}

    def __call__(self, text: tf.Tensor, parameters: Columns) -> Columns:
        """`text`, `length` and `finished`, (rows,) each, of (rows,) strings and `PARAMETERS`, scalars or (rows,)."""
        values = {name: _tiled(name, value, tf.size(text)) for name, value in parameters.items()}
        values["repeat"] = self._repeats(text, values)
        sampled = values["temperature"] > 0
        groups = [
            (tf.where(~sampled)[:, 0], lambda rows: self.decode(text_at(rows), at(rows, "max_new_tokens"))),
            (tf.where(sampled)[:, 0], lambda rows: self.sample(text_at(rows), *(at(rows, name) for name in values))),
        ]

        def text_at(rows):
            return tf.gather(text, rows)

        def at(rows, name):
            return tf.gather(values[name], rows)

        outputs = [_unless_empty(run, rows) for rows, run in groups]
        order = tf.math.invert_permutation(tf.concat([rows for rows, _ in groups], 0))
        return {name: tf.gather(tf.concat([part[name] for part in outputs], 0), order) for name in outputs[0]}

    def _repeats(self, text, values):
        """For each row how many rows of the request before it have equal prompts and seeds, (rows,) int64."""

        def count():
            prompts = self._prompts(text, values["max_new_tokens"])
            return _rank_among_equals(tf.bitwise.bitwise_xor(self._keys(prompts), tf.cast(values["seed"], tf.uint64)))

        needed = tf.reduce_any(values["temperature"] > 0) & (tf.size(text) > 1)
        return tf.cond(needed, count, lambda: tf.zeros(tf.shape(text), tf.int64))

    def _decode(self, text, limits):
        """Greedy decoding or beam search of (rows,) texts."""
        prompts = self._prompts(text, limits)
        return self._outputs(prompts, controls_of(self.most_probable))

    def _sample(self, text, limits, *parameters):
        """Sampling of (rows,) texts, with the parameters after `max_new_tokens` and `repeat`, (rows,) each."""
        prompts = self._prompts(text, limits)
        sampling = dict(zip([*PARAMETERS, "repeat"][1:], parameters, strict=True))
        steps = tf.maximum(tf.reduce_max(prompts.limits), 1)
        return self._outputs(prompts, sampling_controls(self.sampling, sampling, self._keys(prompts), steps))

    def _prompts(self, text, limits):
        ids, lengths = self.prompt_ids(text)
        return self.generator.prompts(ids, lengths, limits)

    def _keys(self, prompts):
        sources = prompts.inputs.get("source", prompts.ids)
        return prompt_keys(hash_ids(prompts.ids, prompts.counts), hash_ids(sources, prompts.lengths))

    def _outputs(self, prompts, controls):
        ids, counts, finished = self.generator(prompts, controls)
        return {"text": self.detokenizer(ids, counts, prompts.ids), "length": counts, "finished": finished}


def _tiled(name, value, rows):
    """A parameter as (rows,) numbers. A number out of its range fails the request."""
    if name in RANGES:
        words, fits = RANGES[name]
        message = f"Expected {name} {words}. Received: {name}="
        tf.debugging.Assert(tf.reduce_all(fits(value)), [message, value])
    value = tf.broadcast_to(value, [rows])
    value.set_shape([None])
    return value


def _unless_empty(run, rows):
    """`run(rows)`; without rows, columns without rows."""
    outputs = {"text": tf.string, "length": tf.int32, "finished": tf.bool}
    return tf.cond(
        tf.size(rows) > 0,
        lambda: run(rows),
        lambda: {name: tf.zeros([0], dtype) for name, dtype in outputs.items()},
    )


def _rank_among_equals(keys):
    """For each of (n,) keys the number of equal keys before it, (n,) int64."""
    _, group, counts = tf.unique_with_counts(tf.bitcast(keys, tf.int64), tf.int64)
    order = tf.argsort(group, stable=True)
    starts = tf.gather(tf.cumsum(counts, exclusive=True), tf.gather(group, order))
    ranks = tf.range(tf.size(order, tf.int64)) - starts
    return tf.scatter_nd(order[:, None], ranks, tf.shape(order))
