"""Several examples in one row, kept apart: nothing is wasted on padding, and no example sees another.

A packed batch says of each token which example of its row it belongs to (`example_ids`, 0 at padding) and how many tokens
of that example come before it (`positions`). Krell et al. 2021, https://arxiv.org/abs/2107.02027, pack BERT's sequences
so; the rows here are filled with the longest examples first, each into the first row with room.
"""

import keras
from keras import ops

from zoo.data.examples import TEXTS
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.embedding import PaddingMask, TokenDropout
from zoo.layers.pooling import Pooling
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.token_logits import Bias, GatherPositions
from zoo.layers.transformer import FeedForward
from zoo.runtime.errors import UserError
from zoo.transforms.graph import walk

ALONE = (  # layers that look at each token by itself, or at a place that an objective names
    *(keras.layers.Dense, keras.layers.Dropout, keras.layers.Activation, keras.layers.Rescaling, keras.layers.Add),
    *(keras.layers.LayerNormalization, keras.layers.RMSNormalization, keras.layers.Embedding),
    *(FeedForward, TokenDropout, PaddingMask, GatherPositions, Bias),
)
FURTHER = ("example_ids", "positions")  # inputs that a packed twin reads for each text, as in `example_ids_of_tokens`


def packed(model):
    """A twin of a model that reads packed rows: the same layers, with `example_ids` and `positions` of each text.

    Raises UserError where tokens meet elsewhere than in attention and pooling: what reads on from token to token, as
    recurrent and convolutional layers do, would read on from one example into the next.
    """
    inputs = {tensor.name: keras.Input((None,), dtype=tensor.dtype, name=tensor.name) for tensor in model.inputs}
    texts = [name for name in inputs if name in TEXTS]
    names = [*(f"{kind}_of_{name}" for name in texts for kind in FURTHER), "examples"]
    further = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    outputs = walk(model, inputs, _PackedCall({id(inputs[name]): name for name in texts}, further, texts[0]))
    pools = any(isinstance(layer, Pooling) for layer in model.layers)
    return keras.Model(inputs | {name: further[name] for name in names if pools or name != "examples"}, outputs)


class _PackedCall:
    """What stands in place of each layer's call: it knows the text that a tensor's time runs along."""

    def __init__(self, text_of, further, first):
        self.text_of, self.further, self.first = text_of, further, first
        self.kept = []  # tensors, whose ids would else be used again

    def __call__(self, layer, x, *args, **kwargs):
        leading = keras.tree.flatten(x)[0]
        text = self.text_of.get(id(leading), self.first)
        y = self._call(layer, text, x, *args, **kwargs)
        for tensor in keras.tree.flatten(y):
            self.text_of[id(tensor)] = text
            self.kept.append(tensor)
        return y

    def _call(self, layer, text, x, *args, **kwargs):
        example_ids, positions = (self.further[f"{kind}_of_{text}"] for kind in FURTHER)
        if isinstance(layer, MultiHeadAttention):
            return self._attend(layer, x, example_ids, positions, *args, **kwargs)
        if isinstance(layer, SinusoidalPositions | LearnedPositions):
            return layer(x, positions=positions)
        if isinstance(layer, Pooling):
            return ExamplePooling(layer, name=f"{layer.name}_each")(x, example_ids, self.further["examples"])
        if not isinstance(layer, ALONE):
            raise UserError(
                "Packing needs a network whose tokens meet in attention and pooling only. "
                f"Received: one with the layer {layer.name!r}, a {type(layer).__name__}."
            )
        return layer(x, *args, **kwargs)

    def _attend(self, layer, x, example_ids, positions, context=None, padding_mask=None, bias=None, **kwargs):
        if bias is not None:
            raise UserError(
                f"Packing knows no relative positions. Received: the layer {layer.name!r}, which adds some."
            )
        source = example_ids if context is None else self.further[f"example_ids_of_{self.text_of[id(context)]}"]
        together = ExampleMask(name=f"{layer.name}_examples")(example_ids, source)
        turned = {} if layer.rotary is None else {"positions": positions}
        return layer(x, context=context, padding_mask=together, **turned, **kwargs)


@keras.saving.register_keras_serializable(package="zoo")
class ExampleMask(keras.layers.Layer):
    """Whether tokens are of the same example: (batch, time) and (batch, source time) to (batch, time, source time)."""

    def call(self, example_ids, source):
        return ops.equal(example_ids[:, :, None], source[:, None])


class ExamplePooling(keras.layers.Layer):
    """One vector for each example of packed rows: (batch, time, width) to (batch, examples, width)."""

    def __init__(self, pooling, **kwargs):
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, x, example_ids, examples):
        """Args: `example_ids` (batch, time), counted from 1; `examples` (batch, examples), only its shape matters."""
        (batch, most), (time, width) = ops.shape(examples), ops.shape(x)[1:]
        padding_mask = ops.equal(example_ids[:, None], ops.arange(1, most + 1, dtype=example_ids.dtype)[None, :, None])
        pooled = self.pooling(ops.repeat(x, most, axis=0), ops.reshape(padding_mask, (batch * most, time)))
        return ops.reshape(pooled, (batch, most, width))

    def compute_output_spec(self, x, example_ids, examples):
        return keras.KerasTensor((*examples.shape, x.shape[-1]), dtype=self.compute_dtype)
