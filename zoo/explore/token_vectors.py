"""Vectors of tokens: the output of a block of layers, or of one attention head before the output projection."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.backend import Tensor
from zoo.explore.text_run import TextRun
from zoo.explore.vector_file import unit
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.implicit_mask import ImplicitMask
from zoo.runtime.errors import UserError
from zoo.transforms.frozen import block_of_layer
from zoo.transforms.graph import Graph, input_like
from zoo.transforms.per_model import cache_of

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline

TEXTS = ("tokens", "source")  # network inputs that hold a text, whichever the network has
SEGMENTS = "segments"
PROBE = 5  # symbolic tokens, by which a vector for each token is told from a vector for each word


@dataclass(frozen=True)
class VectorSource:
    """Where the vectors of tokens come from: a layer, or one of its attention heads."""

    layer: int  # 0: the embedding; above: the output of the block of that number
    head: int | None = None  # counted from 0; None: the output of the layer

    @property
    def name(self) -> str:
        """As in names of files: "layer3", "layer3_head5"."""
        return f"layer{self.layer}" if self.head is None else f"layer{self.layer}_head{self.head}"

    def __str__(self) -> str:
        return f"{self.layer}" if self.head is None else f"{self.layer}.{self.head}"


@dataclass
class LayerSteps:
    """The steps of a layer in a network's `Graph`, by their numbers and by the names of Keras layers."""

    output: int = -1  # the last step whose output has a vector for each token
    output_name: str = ""
    attention: int = -1  # self-attention; -1 without
    attention_name: str = ""
    heads: int = 0


def text_input(model: keras.Model) -> str:
    """The network input that holds a text: "tokens", or of an encoder-decoder "source"."""
    return next(name for name in TEXTS if name in model.input)


def layer_steps(model: keras.Model, architecture: Any) -> dict[int, LayerSteps]:
    """{layer: `LayerSteps`} of the layers with a vector for each token of the text; of encoder-decoders the encoder's.

    Layer 0 is the embedding, others are counted as `block_of_layer` counts blocks.
    """
    graph, layer_of, layers = Graph(model), block_of_layer(architecture), {}
    inputs_of = {reference: {name} for name, reference in graph.inputs.items()}
    number = iter(range(len(graph.steps)))

    def call(step, *args, **kwargs):
        outputs, i = step.layer(*args, **kwargs), next(number)
        inputs = set().union(*(inputs_of.get(reference, ()) for reference in step.reads()))
        inputs_of.update(dict.fromkeys(step.outputs, inputs))
        output, layer = keras.tree.flatten(outputs)[0], layer_of.get(step.layer.name)
        if layer is not None and inputs <= {*TEXTS, SEGMENTS} and output.shape[1:-1] == (PROBE,):
            steps = layers.setdefault(layer, LayerSteps())
            steps.output, steps.output_name = i, step.layer.name
            if isinstance(step.layer, MultiHeadAttention):
                steps.attention, steps.attention_name, steps.heads = i, step.layer.name, step.layer.heads
        return outputs

    graph.run({t.name: keras.Input((PROBE,), dtype=t.dtype, name=t.name) for t in model.inputs}, call)
    return layers


def check_sources(
    pipeline: "Pipeline", layers: Sequence[int] = (), heads: Sequence[tuple[int, int]] = ()
) -> tuple[VectorSource, ...]:
    """The sources of some layers and of some heads, (layer, head) each; without any, the last layer.

    Raises UserError for a layer or head that the network does not have.
    """
    known, name = _steps_of(pipeline), type(pipeline.preset.architecture).__name__
    if not known:
        raise UserError(f"Expected a network with a vector for each token, to search a corpus by. Received: {name}.")
    for layer in layers:
        if layer not in known:
            raise UserError(f"Expected layers of {name} from {min(known)} to {max(known)}. Received: {layer}.")
    with_heads = [layer for layer, steps in known.items() if steps.heads]
    for layer, head in heads:
        if layer not in with_heads:
            span = f"from {min(with_heads)} to {max(with_heads)}" if with_heads else "none"
            raise UserError(f"Expected heads of layers of {name} with attention: {span}. Received: {layer}.{head}.")
        if not 0 <= head < known[layer].heads:
            expected = f"a head from 0 to {known[layer].heads - 1} of layer {layer} of {name}"
            raise UserError(f"Expected {expected}. Received: {layer}.{head}.")
    sources = [*map(VectorSource, sorted(layers)), *(VectorSource(*pair) for pair in sorted(heads))]
    return tuple(dict.fromkeys(sources or [VectorSource(max(known))]))


def label_of(pipeline: "Pipeline", source: VectorSource) -> str:
    """A layer for people: its number, and the name of the Keras layer whose output it is, or which has the head."""
    steps = _steps_of(pipeline)[source.layer]
    return f"{source.layer}: {steps.output_name if source.head is None else steps.attention_name}"


def _steps_of(pipeline) -> dict[int, LayerSteps]:
    cache = cache_of(pipeline.model)
    if layer_steps not in cache:
        cache[layer_steps] = layer_steps(pipeline.model, pipeline.preset.architecture)
    return cache[layer_steps]


@dataclass(frozen=True)
class VectorOutputs:
    """A transform to a model whose outputs are vectors of tokens, {source.name: (batch, time, width)}."""

    sources: tuple[VectorSource, ...]
    steps: Any = field(compare=False)  # of `layer_steps`

    def __call__(self, model: keras.Model) -> keras.Model:
        graph, outputs, sources = Graph(model), {}, {}
        for source in self.sources:
            steps = self.steps[source.layer]
            sources.setdefault(steps.output if source.head is None else steps.attention, []).append(source)
        inputs = {tensor.name: input_like(tensor) for tensor in model.inputs}
        values = {graph.inputs[name]: tensor for name, tensor in inputs.items()}
        for number, step in enumerate(graph.steps[: max(sources) + 1]):
            step.run(values, partial(_call, outputs, sources.get(number, ())))
        names = [name for name in (text_input(model), SEGMENTS) if name in inputs]
        return keras.Model({name: inputs[name] for name in names}, outputs)


def _call(outputs, sources, step, *args, **kwargs):
    """Call a step, and add its vectors of the `sources` to `outputs`."""
    result = step.layer(*args, **kwargs)
    with_heads = any(source.head is not None for source in sources)
    y_BTHD: Any = HeadOutputs(step.layer)(*args, **kwargs) if with_heads else None
    for source in sources:
        outputs[source.name] = keras.tree.flatten(result)[0] if source.head is None else y_BTHD[:, :, source.head]
    return result


class HeadOutputs(ImplicitMask, keras.layers.Layer):
    """Weights @ values of each head of an attention layer, before the output projection."""

    masked_inputs = MultiHeadAttention.masked_inputs

    def __init__(self, attention: MultiHeadAttention, **kwargs):
        super().__init__(**kwargs)
        self.attention = attention

    def build(self, *shapes, **shapes_by_name):
        pass  # the layer is built

    def call(
        self,
        x: Tensor,
        context: Tensor | None = None,
        padding_mask: Tensor | None = None,
        positions: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        return self.attention.head_outputs(x, context, padding_mask, positions, bias)

    def compute_output_spec(self, x, context=None, padding_mask=None, positions=None, bias=None):
        heads = self.attention.heads
        width = self.attention.head_width or x.shape[-1] // heads
        return keras.KerasTensor((*x.shape[:2], heads, width), dtype=self.attention.compute_dtype)


def vector_outputs(pipeline: "Pipeline", sources: tuple[VectorSource, ...]) -> VectorOutputs:
    """The transform of a pipeline's network to a model of the vectors of `sources`."""
    return VectorOutputs(sources, _steps_of(pipeline))


def vectors_of(run: TextRun, sources: tuple[VectorSource, ...]) -> dict[str, np.ndarray]:
    """{source.name: (time, width) float32 unit vectors} of the tokens of a text."""
    pipeline = run.pipeline
    transform, cache = vector_outputs(pipeline, sources), cache_of(pipeline.model)
    if transform not in cache:
        cache[transform] = transform(pipeline.model)
    model = cache[transform]
    outputs = model({name: keras.ops.convert_to_tensor(run.inputs[name]) for name in model.input}, training=False)
    return {name: unit(keras.ops.convert_to_numpy(array)[0]) for name, array in outputs.items()}
