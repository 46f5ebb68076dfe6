"""Several examples in one row, kept apart: nothing is wasted on padding, and no example sees another.

A packed batch says of each token which example of its row it belongs to (`segments`, 0 at padding) and how many tokens
of that example come before it (`positions`). Krell et al. 2021, https://arxiv.org/abs/2107.02027, pack BERT's sequences
so; the rows here are filled with the longest examples first, each into the first row with room.
"""

import bisect

import keras
import numpy as np
from keras import ops

from zoo.data.examples import OPTIONAL, TEXTS
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.embedding import PaddingMask, TokenDropout
from zoo.layers.pooling import Pooling
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.token_logits import Bias, GatherPositions
from zoo.layers.transformer import FeedForward
from zoo.transforms.graph import walk

ALONE = (  # layers that look at each token by itself, or at a place that an objective names
    *(keras.layers.Dense, keras.layers.Dropout, keras.layers.Activation, keras.layers.Rescaling, keras.layers.Add),
    *(keras.layers.LayerNormalization, keras.layers.RMSNormalization, keras.layers.Embedding),
    *(FeedForward, TokenDropout, PaddingMask, GatherPositions, Bias),
)
FURTHER = ("segments", "positions")  # inputs that a packed twin reads for each text, as in `segments_of_tokens`


class PackedExamples:
    """Examples as `zoo.data.examples.Examples` are, but each is a row of `room` ids with several of them in it.

    Args:
        twin: the model that reads them, which `packed` drew.

    Raises ValueError where an example is longer than a row.
    """

    def __init__(self, examples, twin, room):
        self.examples, self.frame, self.room = examples, examples.frame, room
        longest = int(examples.sizes.max())
        if longest > room:
            raise ValueError(
                f"Expected training.packing, ids in a row, to be at least the longest, {longest}. Received: {room}."
            )
        self.rows = fill(examples.sizes, room)
        self.most = max(map(len, self.rows))
        self.wanted = [name for name in twin.input if name not in self.frame.inputs]
        self.used = np.array([examples.sizes[row].sum() for row in self.rows])

    def __len__(self):
        return len(self.rows)

    def shapes(self, longest):
        """(rows, inputs) lengths of rows: all have the same."""
        return np.full((len(self.rows), len(self.frame.inputs)), self.room)

    def row(self, key, index):
        """The 1-D array of one example."""
        return self.examples.row(key, index)

    def batch(self, indices, shape):
        """As `Examples.batch`, with what the twin reads of segments and positions.

        Keys with one array for each example become (rows, examples, size) arrays, and `examples` says which are there.
        """
        rows = [[self._example(i) for i in self.rows[n]] for n in indices]
        running = [key for key in (*self.frame.inputs, *self.frame.aligned) if key in rows[0][0]]
        batch = self.frame.pad([{key: np.concatenate([p[key] for p in row]) for key in running} for row in rows], shape)
        batch |= {key: self._stack(rows, key) for key in rows[0][0] if key not in (*running, *OPTIONAL)}
        if "examples" in self.wanted:
            batch["examples"] = np.array([np.arange(self.most) < len(row) for row in rows], "int32")
        return batch | {name: self._counted(rows, *name.split("_of_")) for name in self.wanted if "_of_" in name}

    def _example(self, index):
        return {key: self.examples.row(key, index) for key in self.examples.values}

    def _stack(self, rows, key):
        arrays = np.zeros((len(rows), self.most, len(rows[0][0][key])), rows[0][0][key].dtype)
        for place, row in zip(arrays, rows, strict=True):
            place[: len(row)] = [part[key] for part in row]
        return arrays

    def _counted(self, rows, kind, text):
        """Segments or positions of a text, (rows, room), 0 at padding."""
        found = np.zeros((len(rows), self.room), "int32")
        for place, row in zip(found, rows, strict=True):
            sizes = [len(part[text]) for part in row]
            counts = [np.full(n, i + 1) if kind == "segments" else np.arange(n) for i, n in enumerate(sizes)]
            place[: sum(sizes)] = np.concatenate(counts)
        return found


def fill(sizes, room):
    """Lists of the numbers of examples that go into each row of `room` ids.

    Args:
        sizes: (examples, inputs) ids of each; every input has a row of its own.
    """
    order = np.argsort(-sizes.max(axis=1), kind="stable")
    rows, free = [], []  # `free`: ids left in the fullest input of each row, ascending, with the row's number
    left = {}
    for example in order:
        need = sizes[example]
        place = bisect.bisect_left(free, (int(need.max()), -1))
        while place < len(free) and (left[free[place][1]] < need).any():
            place += 1
        number = free.pop(place)[1] if place < len(free) else len(rows)
        if number == len(rows):
            rows.append([])
            left[number] = np.full(len(need), room)
        rows[number].append(int(example))
        left[number] = left[number] - need
        bisect.insort(free, (int(left[number].min()), number))
    return rows


def packed(model):
    """A twin of a model that reads packed rows: the same layers, with `segments` and `positions` of each text.

    Raises ValueError where tokens meet elsewhere than in attention and pooling: what reads on from token to token, as
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
        segments, positions = (self.further[f"{kind}_of_{text}"] for kind in FURTHER)
        if isinstance(layer, MultiHeadAttention):
            return self._attend(layer, x, segments, positions, *args, **kwargs)
        if isinstance(layer, SinusoidalPositions | LearnedPositions):
            return layer(x, positions=positions)
        if isinstance(layer, Pooling):
            return SegmentPooling(layer, name=f"{layer.name}_each")(x, segments, self.further["examples"])
        if not isinstance(layer, ALONE):
            raise ValueError(
                "Packing needs a network whose tokens meet in attention and pooling only. "
                f"Received: one with the layer {layer.name!r}, a {type(layer).__name__}."
            )
        return layer(x, *args, **kwargs)

    def _attend(self, layer, x, segments, positions, context=None, visible=None, bias=None, **kwargs):
        if bias is not None:
            raise ValueError(
                f"Packing knows no relative positions. Received: the layer {layer.name!r}, which adds some."
            )
        source = segments if context is None else self.further[f"segments_of_{self.text_of[id(context)]}"]
        together = SegmentMask(name=f"{layer.name}_segments")(segments, source)
        turned = {} if layer.rotary is None else {"positions": positions}
        return layer(x, context=context, visible=together, **turned, **kwargs)


@keras.saving.register_keras_serializable(package="zoo")
class SegmentMask(keras.layers.Layer):
    """Whether tokens are of the same example: (batch, time) and (batch, source time) to (batch, time, source time)."""

    def call(self, segments, source):
        return ops.equal(segments[:, :, None], source[:, None])


class SegmentPooling(keras.layers.Layer):
    """One vector for each example of packed rows: (batch, time, width) to (batch, examples, width)."""

    def __init__(self, pooling, **kwargs):
        super().__init__(**kwargs)
        self.pooling = pooling

    def call(self, x, segments, examples):
        """Args: `segments` (batch, time), counted from 1; `examples` (batch, examples), only its shape matters."""
        (batch, most), (time, width) = ops.shape(examples), ops.shape(x)[1:]
        visible = ops.equal(segments[:, None], ops.arange(1, most + 1, dtype=segments.dtype)[None, :, None])
        pooled = self.pooling(ops.repeat(x, most, axis=0), ops.reshape(visible, (batch * most, time)))
        return ops.reshape(pooled, (batch, most, width))

    def compute_output_spec(self, x, segments, examples):
        return keras.KerasTensor((*examples.shape, x.shape[-1]), dtype=self.compute_dtype)
