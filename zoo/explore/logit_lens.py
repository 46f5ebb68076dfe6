"""The logit lens: what each layer of a network would predict, by the network's own head (nostalgebraist 2020).

https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru. The residual stream after a block takes the place of that after the
last block (activation patching), and what follows the last block runs on it: the final norm and the output layer; of a
text's label the pooling too.
"""

from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo.explore.output_classes import output_classes
from zoo.explore.residual_stream import residual_stream
from zoo.explore.views import LogitLens
from zoo.transforms.graph import Graph

if TYPE_CHECKING:
    from zoo.explore.text_run import TextRun


def logit_lens(run: "TextRun", top: int = 5) -> LogitLens | None:
    """The logit lens of a text: the distribution of each layer at each token; of a text's label one distribution.

    At a token a causal network, or a decoder, predicts the next token; a masked-LM head predicts the token, also where
    it is not masked.

    Args:
        top: candidates of each distribution.

    Returns None for a network that predicts no classes, or without a stack of layers: see `residual_stream`.
    """
    classes = output_classes(run.pipeline)
    if classes is None:
        return None
    graph = Graph(run.pipeline.model)
    values = graph.values(_inputs(run, graph))
    stream = residual_stream(graph, values, run.pipeline.preset.architecture.blocks)
    if len(stream) < 2:
        return None
    (*_, last), rows = stream.values(), []
    best = ops.argmax(classes.logits(graph.outputs_of(values)), axis=-1)
    for ref in stream.values():
        logits = classes.logits(graph.patch(values, last, values[ref]))
        above = logits > ops.take_along_axis(logits, best[:, None], axis=1)
        rank = ops.convert_to_numpy(ops.sum(ops.cast(above, "int32"), axis=1))
        rows.append((classes.top(logits, top), rank, classes.entropy(logits)))
    candidates, rank, entropy = zip(*rows, strict=True)
    sequence = run.output_sequence if rank[0].size == len(run.sequences[run.output_sequence]) else ""
    return LogitLens(sequence, list(stream), list(candidates), np.stack(rank), np.stack(entropy))


def _inputs(run, graph):
    """The inputs of the network as tensors; a masked-LM head predicts all tokens."""
    inputs = {name: run.inputs[name] for name in graph.inputs}
    if "mask_positions" in inputs:
        inputs["mask_positions"] = np.arange(inputs["tokens"].shape[1], dtype="int32")[None]
    return {name: ops.convert_to_tensor(array) for name, array in inputs.items()}
