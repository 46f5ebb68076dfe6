"""One text through a network: its inputs, tokens and answer, and a capture of every layer's call.

The capture is a pass over the network's own graph with the network's own layers, so it changes no output.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.data.collate import Collator
from zoo.data.qa_windows import NO_ANSWER
from zoo.explore.token_text import tokens_of
from zoo.explore.views import Token
from zoo.generation.context import check_prompts, max_context
from zoo.generation.generate import prompts_of
from zoo.generation.loop import token_generator
from zoo.objectives import Generates
from zoo.objectives.find_span import FindSpan
from zoo.pipeline.predictor import BatchPredictor
from zoo.transforms.graph import Graph

if TYPE_CHECKING:
    from zoo.generation.text_generator import TextGenerator
    from zoo.pipeline.pipeline import Pipeline

SEQUENCES = ("tokens", "source", "target")  # network inputs that hold token ids


@dataclass(eq=False)
class LayerCall:
    """The captured call of a layer."""

    layer: keras.layers.Layer
    args: tuple
    kwargs: dict[str, Any]
    outputs: Any  # a tensor, or a structure of tensors
    sequences: list[str]  # of each tensor that the layer reads: the sequence that it derives from


@dataclass(eq=False)
class TextRun:
    """One text through a network.

    Attributes:
        model: the network, or for objectives that score tokens the network with that output.
        inputs: {input: (1, time) integers}, without padding.
        prompt_length: of an objective that generates, the number of tokens before the generated ones; else None.
        max_new_tokens: of an objective that generates, the most tokens that may follow them.
        answer: as a line of text.
        example: of a record that is read in several windows, the number of the window.
    """

    pipeline: "Pipeline"
    record: dict[str, Any]
    model: keras.Model
    inputs: dict[str, np.ndarray]
    answer: str
    prompt_length: int | None = None
    max_new_tokens: int = 0
    example: int = 0

    @cached_property
    def sequences(self) -> dict[str, list[Token]]:
        """The tokens of each input that holds token ids."""
        return {name: self._tokens(name) for name in SEQUENCES if name in self.inputs}

    @property
    def output_sequence(self) -> str:
        """The sequence that the network's output belongs to: "tokens", or of an encoder-decoder "target"."""
        return [name for name in SEQUENCES if name in self.inputs][-1]

    @cached_property
    def calls(self) -> list[LayerCall]:
        """The captured call of each layer, in the order of execution."""
        return capture_calls(self.model, self.inputs)[0]

    def with_inputs(self, **arrays: np.ndarray) -> "TextRun":
        """The same run with other arrays as inputs, (rows, time) each; `answer` stays."""
        return replace(self, inputs=self.inputs | arrays)

    def _tokens(self, name):
        ids, segments = self.inputs[name][0], self.inputs.get("segments")
        tokens = tokens_of(self.pipeline.tokenizer, ids)
        if segments is not None and name == "tokens":
            tokens = [replace(token, segment=int(i)) for token, i in zip(tokens, segments[0], strict=True)]
        if self.prompt_length is not None and name == self.output_sequence:
            tokens = [replace(token, generated=i >= self.prompt_length) for i, token in enumerate(tokens)]
        return tokens


def capture_calls(model: keras.Model, inputs: Mapping[str, Any]) -> tuple[list[LayerCall], Any]:
    """Run a model on {input: (rows, time) array}: `(the call of each layer, outputs)`."""
    graph, calls = Graph(model), []
    sequence_of = {ref: name if name in SEQUENCES else "" for name, ref in graph.inputs.items()}

    def call(step, *args, **kwargs):
        outputs = step.layer(*args, **kwargs)
        sequences = [sequence_of.get(ref, "") for ref in step.reads()]
        sequence_of.update(dict.fromkeys(step.outputs, next(filter(None, sequences), "")))
        calls.append(LayerCall(step.layer, args, kwargs, outputs, sequences))
        return outputs

    tensors = {name: keras.ops.convert_to_tensor(inputs[name]) for name in graph.inputs}
    return calls, graph.run(tensors, call)


def run_text(pipeline: "Pipeline", record: dict[str, Any], max_new_tokens: int = 16) -> TextRun:
    """Run a pipeline's network on a record.

    Args:
        record: the standard fields that the objective reads.
        max_new_tokens: of an objective that generates: greedy decoding of so many tokens is part of the text.
    """
    if isinstance(pipeline.objective, Generates):
        return _generated(pipeline, record, max_new_tokens)
    run = _RecordingPredictor(pipeline.model, pipeline.objective, pipeline.tokenizer)
    (decision,) = pipeline.objective.predict(run, [record], pipeline.tokenizer)
    model, examples, outputs = run.recorded[0]
    number = _window_of_answer(pipeline, record, decision, outputs)
    collator = Collator.for_model(model, pipeline.objective, pipeline.tokenizer, examples[number])
    batch = collator.pad([examples[number]], collator.sizes(examples[number]))
    answer = pipeline.objective.format(pipeline.objective.answer(decision, record))
    return TextRun(pipeline, record, model, {name: batch[name] for name in model.input}, answer, example=number)


def _window_of_answer(pipeline, record, decision, outputs):
    """The number of the window in which the answer to a question has its highest score; 0 for other objectives."""
    if not isinstance(pipeline.objective, FindSpan) or decision["first"] < 0:
        return 0
    (windows,), scores = pipeline.objective.windows([record], pipeline.tokenizer), []
    for window, logits in zip(windows, outputs, strict=True):
        first, last = (decision[key] - window.tokens.start + window.start for key in ("first", "last"))
        is_inside = window.start <= first and last < window.context.stop
        scores.append(logits[first, 0] + logits[last, 1] - logits[NO_ANSWER].sum() if is_inside else -np.inf)
    return int(np.argmax(scores))


class _RecordingPredictor(BatchPredictor):
    """A `BatchPredictor` that records the network, the examples that it runs on, and its outputs for them."""

    def __init__(self, *args):
        super().__init__(*args)
        self.recorded: list[tuple[keras.Model, list, list]] = []

    def __call__(self, examples, transform=None):
        model = self._derived(transform, lambda: transform(self.model)) if transform else self.model
        outputs = super().__call__(examples, transform)
        self.recorded.append((model, list(examples), outputs))
        return outputs


def greedy_generator(pipeline: "Pipeline", max_new_tokens: int) -> "TextGenerator":
    """A generator by greedy decoding; a prompt that is too long for the context loses its beginning."""
    return pipeline.generator(max_new_tokens=max_new_tokens, temperature=0.0, beams=1, truncation_side="left")


def _generated(pipeline, record, max_new_tokens):
    """A record with greedy decoding of at most half a context, so that prompt and new tokens fit into one."""
    plan, tokenizer = token_generator(pipeline.model).network.plan, pipeline.tokenizer
    max_new_tokens = min(max_new_tokens, max(max_context(plan.decoder_steps) // 2, 1))
    generator = greedy_generator(pipeline, max_new_tokens)
    ((completion,),) = generator.generate([record])
    prompts, sources = prompts_of([pipeline.objective.prompt_ids(record, tokenizer)], tokenizer)
    (prompt,) = check_prompts(plan, prompts, sources, generator.config)
    ids = {"source": sources[0]} if sources else {}
    ids[plan.decoder_input] = [*prompt, *completion.ids]
    inputs = {name: np.array([row], "int32") for name, row in ids.items()}
    return TextRun(pipeline, record, pipeline.model, inputs, completion.text, len(prompt), max_new_tokens)
