"""The residual stream of a network: the tensor that the blocks of a stack read and write, after each of them."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from zoo.transforms.graph import Graph, Step, TensorRef

EMBEDDING = "embedding"  # the residual stream before the first block


def residual_stream(graph: Graph, values: Mapping[TensorRef, Any], pattern: str) -> dict[str, TensorRef]:
    """The residual stream (Elhage et al. 2021): {"embedding", or a block: reference to the tensor}, in their order.

    https://transformer-circuits.pub/2021/framework. Blocks are those of the last stack, in an encoder-decoder the
    decoder's: Transformer blocks, or stacked recurrent, convolution or dense layers. Those whose output has another
    shape than that of the last block are left out, as is an embedding of another shape.

    Args:
        values: {reference: tensor} of the graph.
        pattern: a regular expression, `Architecture.blocks`: layers whose names begin with the same match are a block.

    Returns {} for a network without such a stack.
    """
    blocks = _blocks(graph, pattern)
    stack = _last_stack(graph, blocks)
    outputs = {name: _output(graph, blocks[name]) for name in stack}
    last = outputs[stack[-1]] if stack else None
    if last is None:
        return {}
    refs = [(EMBEDDING, ref) for ref in _embeddings(graph, blocks, stack[0])][:1]
    refs += [(name, ref) for name, ref in outputs.items() if ref is not None]
    return {name: ref for name, ref in refs if values[ref].shape == values[last].shape}


def _blocks(graph, pattern):
    """{name of a block: its steps}, in the order of execution."""
    blocks: dict[str, list[Step]] = {}
    for step in graph.steps:
        if match := re.match(pattern, step.layer.name):
            blocks.setdefault(match[0], []).append(step)
    return blocks


def _last_stack(graph, blocks):
    """The names of the blocks of the last stack: those that differ from the last block by their number alone."""
    order = {step: i for i, step in enumerate(graph.steps)}
    last = max(blocks, key=lambda name: order[blocks[name][-1]], default="")
    return [name for name in blocks if name.rstrip("0123456789") == last.rstrip("0123456789")]


def _output(graph, block):
    """The tensor of a block that other steps read; None where there are several."""
    read = {ref for step in graph.steps if step not in block for ref in step.reads()}
    read.update(keras.tree.flatten(graph.outputs))
    outputs = [ref for step in block for ref in step.outputs if ref in read]
    return outputs[0] if len(outputs) == 1 else None


def _embeddings(graph, blocks, name):
    """The tensors that a block reads, and that depend on an embedding but on no block."""
    in_block = {step for block in blocks.values() for step in block}
    embedded, after_block = set(), set()
    for step in graph.steps:
        if step in in_block or not after_block.isdisjoint(step.reads()):
            after_block.update(step.outputs)
        elif isinstance(step.layer, keras.layers.Embedding) or not embedded.isdisjoint(step.reads()):
            embedded.update(step.outputs)
    return [ref for step in blocks[name] for ref in step.reads() if ref in embedded]
