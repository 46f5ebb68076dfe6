"""Filters of convolutions with max pooling: the n-gram of tokens that each filter's maximum came from."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from zoo.explore.layer_traces import queries_and_keys, readable_name, to_array
from zoo.explore.text_run import LayerCall, TextRun
from zoo.explore.views import Filters
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenDropout, TokenEmbedding
from zoo.layers.pooling import Pooling
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.shift import TokenMask
from zoo.layers.transformer import FeedForward
from zoo.layers.word_features import WINDOW, WordMaxPooling

POINTWISE = (  # layers that transform each token alone
    *(layers.Activation, layers.ReLU, layers.Dropout, layers.SpatialDropout1D, layers.Add, layers.Multiply),
    *(layers.Dense, layers.EinsumDense, layers.Embedding, layers.Rescaling, layers.LayerNormalization),
    *(layers.RMSNormalization, layers.BatchNormalization, Dropout, FeedForward, PaddingMask, TokenMask, TokenDropout),
    *(TokenEmbedding, LearnedPositions, SinusoidalPositions),
)


@dataclass(frozen=True)
class Reach:
    """The tokens that a feature depends on: so many before it and after it, by these convolutions."""

    before: int = 0
    after: int = 0
    convolutions: tuple[keras.layers.Layer, ...] = ()


def filter_maxima(run: TextRun) -> list[Filters]:
    """The n-grams that the maxima of max pooling over convolutions came from, a view for each pooling layer.

    `value` is the network's own pooled feature; where the pooling is by word, that of the word with the highest. The
    n-gram is the receptive field of the feature, which with several convolutions is that of all of them; the first of
    several equal maxima counts. Convolutions with strides, and those over features that depend on all tokens, have no
    n-grams and are left out.
    """
    reaches: dict[int, Reach | None] = {}  # by the id of a tensor; None: without bound
    views = []
    for call in run.calls:
        tensors = [leaf for leaf in keras.tree.flatten((call.args, call.kwargs)) if ops.is_tensor(leaf)]
        inputs = [reaches.get(id(tensor), Reach()) for tensor in tensors]
        outputs = keras.tree.flatten(call.outputs)
        reaches.update(dict.fromkeys(map(id, outputs), _reach(call.layer, inputs)))
        if _is_max_pooling(call.layer) and inputs[0] is not None and inputs[0].convolutions:
            views.append(_view(call, inputs[0]))
    return [view for view in views if view]


def _reach(layer, inputs) -> Reach | None:
    """The reach of a layer's outputs, from those of its inputs."""
    if None in inputs or not inputs:
        return None
    convolutions = tuple(dict.fromkeys(layer for reach in inputs for layer in reach.convolutions))
    widest = Reach(max(reach.before for reach in inputs), max(reach.after for reach in inputs), convolutions)
    if isinstance(layer, layers.Conv1D) and layer.strides == (1,):
        total = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
        before = {"causal": total, "same": total // 2}.get(layer.padding, 0)
        return Reach(widest.before + before, widest.after + total - before, (*convolutions, layer))
    is_pointwise = isinstance(layer, POINTWISE) or (isinstance(layer, layers.Concatenate) and layer.axis in (-1, 2))
    return widest if is_pointwise else None


def _is_max_pooling(layer):
    is_max = isinstance(layer, Pooling) and layer.kind == "max"
    return is_max or isinstance(layer, layers.GlobalMaxPooling1D | WordMaxPooling)


def _view(call: LayerCall, reach: Reach) -> Filters | None:
    """The view of a pooling layer; None for a text without a token to pool over."""
    x_TF, mask_T = to_array(call.args[0]), _pooling_mask(call)
    if not mask_T.any():
        return None
    x_TF = np.where(mask_T[:, None], x_TF, -np.inf)
    value = x_TF.max(axis=0) if isinstance(call.layer, WordMaxPooling) else to_array(call.outputs)
    layer = reach.convolutions[0] if len(reach.convolutions) == 1 else call.layer
    width, sequence = 1 + reach.before + reach.after, queries_and_keys(call)[0]
    start = x_TF.argmax(axis=0).astype("int32") - reach.before
    return Filters(readable_name(layer), sequence, width, value, start)


def _pooling_mask(call: LayerCall) -> np.ndarray:
    """The pooling mask: (T,) booleans, True at the tokens that a layer pools over."""
    args, kwargs = call.args, call.kwargs
    if isinstance(call.layer, WordMaxPooling):
        word_index, ends = (ops.convert_to_numpy(array)[0] for array in call.args[1:])
        return (word_index >= 0) & (ends[word_index] - np.arange(len(word_index)) < WINDOW)
    if isinstance(call.layer, Pooling):
        args, kwargs = call.layer.with_implicit_mask(args, kwargs)
        mask = args[1] if len(args) > 1 else kwargs.get("padding_mask")
        if mask is not None:
            return ops.convert_to_numpy(mask)[0]
    return np.ones(call.args[0].shape[1], bool)
