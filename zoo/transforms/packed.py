"""Packed sequences: a model with the same weights for rows of several examples, with attention within each example.

A packed row has, for each token, the number of its example (`example_ids`, counted from 1; 0 at padding) and its
position within that example (`positions`, counted from 0). `zoo.data.packing` makes such rows.
"""

import keras

from zoo.layers.attention import MultiHeadAttention
from zoo.layers.embedding import PaddingMask, TokenDropout
from zoo.layers.example_mask import ExampleMask, ExamplePooling
from zoo.layers.pooling import Pooling
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.token_logits import Bias, GatherPositions
from zoo.layers.transformer import FeedForward
from zoo.runtime.errors import UserError
from zoo.transforms.graph import Graph

TEXTS = ("tokens", "source", "target")  # inputs that are texts
POINTWISE = (  # layers that see each token by itself, or at an index that an objective names
    *(keras.layers.Dense, keras.layers.Dropout, keras.layers.Activation, keras.layers.Rescaling, keras.layers.Add),
    *(keras.layers.LayerNormalization, keras.layers.RMSNormalization, keras.layers.Embedding),
    *(FeedForward, TokenDropout, PaddingMask, GatherPositions, Bias),
)
EXTRA_INPUTS = ("example_ids", "positions")  # further inputs for each text, as in `example_ids_of_tokens`


def pack_model(model: keras.Model) -> keras.Model:
    """A model with the same weights that reads packed rows, with `EXTRA_INPUTS` for each text.

    A model with pooling also reads `example_mask`, (rows, most examples of a row), and gives one vector for each.

    Raises UserError where layers other than attention and pooling mix tokens: recurrent and convolutional layers would
    read on from one example into the next.
    """
    graph = Graph(model)
    inputs = {tensor.name: keras.Input((None,), dtype=tensor.dtype, name=tensor.name) for tensor in model.inputs}
    texts = [name for name in inputs if name in TEXTS]
    names = [*(f"{prefix}_of_{name}" for name in texts for prefix in EXTRA_INPUTS), "example_mask"]
    extra = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    outputs = graph.run(inputs, _PackedCall(graph, extra, texts))
    pools = any(isinstance(step.layer, Pooling) for step in graph.steps)
    return keras.Model(inputs | {name: extra[name] for name in names if pools or name != "example_mask"}, outputs)


class _PackedCall:
    """Calls the layer of a step so that no example attends to another.

    Args:
        extra: {name: tensor} of the further inputs.
        texts: names of the inputs that are texts.
    """

    def __init__(self, graph, extra, texts):
        self.extra = extra
        self.text_of = {graph.inputs[name]: name for name in texts}  # reference: the text along its time axis
        for step in graph.steps:
            text = self.text_of.get(next(iter(step.reads()), None), texts[0])
            self.text_of |= dict.fromkeys(step.outputs, text)

    def __call__(self, step, x, *args, **kwargs):
        text, layer = self.text_of[step.outputs[0]], step.layer
        example_ids, positions = (self.extra[f"{prefix}_of_{text}"] for prefix in EXTRA_INPUTS)
        if isinstance(layer, MultiHeadAttention):
            context = _context(*step.args, **step.kwargs)
            source_ids = self.extra[f"example_ids_of_{self.text_of.get(context, text)}"]
            return _attend(layer, x, example_ids, source_ids, positions, *args, **kwargs)
        if isinstance(layer, SinusoidalPositions | LearnedPositions):
            return layer(x, positions=positions)
        if isinstance(layer, Pooling):
            return ExamplePooling(layer, name=f"{layer.name}_each")(x, example_ids, self.extra["example_mask"])
        if not isinstance(layer, POINTWISE):
            raise UserError(
                "Packing needs a network that mixes tokens in attention and pooling only. "
                f"Received: one with the layer {layer.name!r}, a {type(layer).__name__}."
            )
        return layer(x, *args, **kwargs)


def _context(x, context=None, *args, **kwargs):
    """The `context` among the arguments of an attention layer."""
    return context


def _attend(layer, x, example_ids, source_ids, positions, context=None, padding_mask=None, bias=None, **kwargs):
    """Attention within each example: an example mask replaces the padding mask."""
    if bias is not None:
        raise UserError(f"Packing supports no relative position bias. Received: the layer {layer.name!r} with one.")
    mask = ExampleMask(name=f"{layer.name}_examples")(example_ids, source_ids)
    rotary = {} if layer.rotary is None else {"positions": positions}
    return layer(x, context=context, padding_mask=mask, **rotary, **kwargs)
