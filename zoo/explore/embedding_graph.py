"""The graph of a network from the outputs of its embedding layers on: gradients by token embeddings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.architectures.mlp import BagWeights
from zoo.backend import Tensor
from zoo.explore.text_run import SEQUENCES
from zoo.explore.token_shares import token_shares
from zoo.transforms.graph import Graph, Step

TOKENS = 2048  # most tokens in a batch, which bounds the memory

ROWS = (8, 32, 128, 512)  # of a batch


@dataclass(eq=False)
class Embedding:
    """The output of an embedding layer for one text.

    Attributes:
        sequence: the network input whose tokens are embedded.
        ids: (1, ids), what the layer reads.
        output: the tensor, (1, ids, width), or (1, ids) of a bag of words.
        baseline: the same of padding in the position of every id.
        shares: (ids, tokens), as of `zoo.explore.token_shares`.
    """

    step: Step
    sequence: str
    ids: Tensor
    output: Tensor
    baseline: Tensor
    shares: np.ndarray

    def vectors(self, tensor: Tensor) -> np.ndarray:
        """A tensor of the shape of `output` as (ids, width) float32."""
        array = ops.convert_to_numpy(ops.cast(tensor, "float32"))
        return array.reshape(array.shape[1], -1)


class EmbeddingGraph:
    """A network as a function of the embeddings of one text, on a straight line from a baseline to the text.

    Embeddings are the outputs of embedding tables that read ids of tokens, of n-grams or of words, and of a bag of
    words the weights of its features. What else the network computes of ids is held fixed: positions, segments, masks.

    Args:
        inputs: {input: (1, time) integers}, without padding.
        padding: the id that stands for no token in a table without a padding vector of its own.
        read: `read(outputs)` selects (rows, outputs) scalars of the network's outputs.
    """

    def __init__(self, model: keras.Model, inputs: Mapping[str, np.ndarray], padding: int, read: Callable):
        self.graph, self.inputs, self.read = Graph(model), {name: inputs[name] for name in model.input}, read
        self.embeddings: list[Embedding] = []
        self.sizes = {name: inputs[name].shape[1] for name in SEQUENCES if name in inputs}
        self.tokens = sum(self.sizes.values())
        self._find_embeddings(padding)
        self._values = backend.jit(self._outputs_on_line, model.variables, donate=False)
        self._gradients = backend.jit(self._gradients_on_line, model.variables, donate=False)

    def _find_embeddings(self, padding):
        origins = {self.graph.inputs[name]: (name, np.eye(size, dtype="float32")) for name, size in self.sizes.items()}

        def call(step, *args, **kwargs):
            outputs = step.layer(*args, **kwargs)
            known = [origins[ref] for ref in step.reads() if ref in origins]
            if not known:
                return outputs
            sequence, shares = known[0][0], [shares for _, shares in known]
            if isinstance(step.layer, keras.layers.Embedding | BagWeights):
                baseline = _baseline(step.layer, args[0], padding)
                self.embeddings.append(Embedding(step, sequence, args[0], outputs, baseline, shares[0]))
            elif _is_integer(outputs):
                shares = token_shares(step.layer, args, outputs, shares)
                if len(shares) == outputs.shape[1]:
                    origins[step.outputs[0]] = sequence, shares
            return outputs

        self.graph.run({name: ops.convert_to_tensor(array) for name, array in self.inputs.items()}, call)

    def values(self, positions: np.ndarray) -> np.ndarray:
        """The outputs at positions on the line, (positions, outputs) float64: 0 is the baseline, 1 the text."""
        chunks = row_chunks(np.asarray(positions, "float32"), self.tokens)
        rows = [ops.convert_to_numpy(self._values(ops.convert_to_tensor(chunk)))[:count] for chunk, count in chunks]
        return np.concatenate(rows).astype("float64")

    def contributions(self, positions: np.ndarray, outputs: np.ndarray, baseline: bool = True) -> np.ndarray:
        """Gradient x difference to the baseline, summed over width, of each token: (rows, tokens) float64.

        Tokens are those of all sequences, one after another. Arguments are those of `products`.
        """
        tokens: dict[str, Any] = dict.fromkeys(self.sizes, 0)
        products = self.products(positions, outputs, baseline)
        for embedding, product in zip(self.embeddings, products, strict=True):
            tokens[embedding.sequence] += product @ embedding.shares
        return np.concatenate(list(tokens.values()), axis=1)

    def products(self, positions: np.ndarray, outputs: np.ndarray, baseline: bool = True) -> list[np.ndarray]:
        """Gradient x difference to the baseline, summed over width: (rows, ids) float64 for each of `embeddings`.

        Args:
            positions: (rows,) floats on the line.
            outputs: (rows,) integers, the output that each row's gradient is of.
            baseline: False for gradient x embedding.
        """
        arrays = np.asarray(positions, "float32"), np.asarray(outputs, "int32")[:, None]
        parts = []
        for (chunk, count), (selected, _) in zip(*(row_chunks(array, self.tokens) for array in arrays), strict=True):
            gradients = self._gradients(ops.convert_to_tensor(chunk), ops.convert_to_tensor(selected))
            pairs = zip(self.embeddings, gradients, strict=True)
            parts.append([_product(embedding, gradient, baseline)[:count] for embedding, gradient in pairs])
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _gradients_on_line(self, positions, outputs):
        def total(*points):
            return ops.sum(ops.take_along_axis(self._outputs(*points), outputs, axis=1))

        return backend.value_and_gradients(total, *self._points(positions))[1]

    def _outputs_on_line(self, positions):
        return self._outputs(*self._points(positions))

    def _points(self, positions):
        """The embeddings at (rows,) positions on the line: a tensor of rows for each embedding layer."""
        for embedding in self.embeddings:
            start, end = embedding.baseline, embedding.output
            factors = ops.cast(ops.reshape(positions, (-1, *[1] * (len(start.shape) - 1))), end.dtype)
            yield start + factors * (end - start)

    def _outputs(self, *points: Tensor) -> Any:
        embedded = {id(e.step): point for e, point in zip(self.embeddings, points, strict=True)}

        def call(step, *args, **kwargs):
            return embedded[id(step)] if id(step) in embedded else step.layer(*args, **kwargs)

        rows = points[0].shape[0]
        inputs = {name: ops.convert_to_tensor(np.repeat(array, rows, 0)) for name, array in self.inputs.items()}
        return ops.cast(self.read(self.graph.run(inputs, call)), "float32")


def row_chunks(array: np.ndarray, tokens: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield (rows of an array, how many of them count) for batches of texts with as many tokens.

    The last chunk is padded by copies of its last row, so that few shapes are compiled.
    """
    most = max(1, TOKENS // tokens)
    for start in range(0, len(array), most):
        chunk = array[start : start + most]
        size = next(size for size in ROWS if size >= min(len(chunk), ROWS[-1]))
        padding = max(min(most, size) - len(chunk), 0)
        yield np.concatenate([chunk, np.repeat(chunk[-1:], padding, axis=0)]), len(chunk)


def _product(embedding, gradient, baseline):
    """The products of (rows, ids, width) gradients and an embedding, summed over width: (rows, ids) float64."""
    change = embedding.vectors(embedding.output)
    change = change - embedding.vectors(embedding.baseline) if baseline else change
    gradient = ops.convert_to_numpy(ops.cast(gradient, "float32")).reshape(-1, *change.shape)
    return np.einsum("riw,iw->ri", gradient.astype("float64"), change)


def _baseline(layer, ids, padding):
    """The output of an embedding layer for padding: zeros of a bag of words."""
    if isinstance(layer, BagWeights):
        return ops.zeros_like(layer(ids))
    padding_id = getattr(layer, "padding", None)
    return layer(ops.full_like(ids, padding if padding_id is None else padding_id))


def _is_integer(tensor):
    return not isinstance(tensor, tuple | list | dict) and keras.backend.is_int_dtype(tensor.dtype)
