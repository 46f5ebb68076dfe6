"""Rows of a batch: as many prompts at once as the memory of the device holds, up to a bound.

A decoding step reads all weights, whatever the number of rows: more rows make more tokens of the same reading. What a
row takes is estimated from the network: the KV cache of every slot, the prefill's widest arrays, and the logits.
"""

from collections.abc import Callable, Sequence

import numpy as np

from zoo import backend
from zoo.backend.shapes import bucket
from zoo.generation.context import UNLIMITED, max_context
from zoo.generation.generation_config import GenerationConfig
from zoo.layers.attention import MultiHeadAttention
from zoo.runtime.console import console
from zoo.runtime.free_memory import available_memory
from zoo.transforms.cached_model import CachedModel

MAX_ROWS = 1024  # on an accelerator
MAX_ROWS_CPU = 64  # more rows wait longer for the last of them
CACHE_COPIES = 2  # at once: a new cache beside the old one
LOGITS_ARRAYS = 16  # as large as float32 logits: probabilities, and orders of 64-bit integers
WIDE_ARRAYS = 16  # of the prefill, each as wide as queries: hidden units, queries, keys, values
USABLE = 0.8  # of the free memory: the rest is for what the estimate leaves out


def max_rows() -> int:
    """The most rows of a batch on the device, whatever its memory."""
    return MAX_ROWS if backend.has_accelerator() else MAX_ROWS_CPU


def rows_of_batch(network: CachedModel, prompt: int, new: int, source: int, config: GenerationConfig) -> int:
    """The most prompts of a batch, a power of two.

    Args:
        network: the `CachedModel`.
        prompt: tokens of the longest prompt.
        new: most new tokens of a row.
        source: tokens of the longest source of an encoder-decoder, else 0.
        config: the strategy.
    """
    free = backend.free_memory()
    free = available_memory() if free is None and not backend.has_accelerator() else free
    if free is None:
        return MAX_ROWS_CPU
    slots = min(prompt + new, max_context(network.plan.decoder_steps))
    time, slots, source_time = (int(bucket(size, UNLIMITED)) if size else 0 for size in (prompt, slots, source))
    rows = int(USABLE * free / row_bytes(network, time, slots, source_time, config))
    return min(1 << max(rows.bit_length() - 1, 0), max_rows())


def row_bytes(network: CachedModel, time: int, slots: int, source_time: int, config: GenerationConfig) -> int:
    """An estimate of the bytes that a row of a batch takes.

    Args:
        network: the `CachedModel`.
        time: tokens of the prompt, padding included.
        slots: of the caches: tokens of the row, new ones and padding included.
        source_time: tokens of the source of an encoder-decoder, padding included, else 0.
        config: the strategy: each beam, and each candidate of contrastive search, has caches of its own.
    """
    layers = [step.layer for step in network.plan.decoder_steps if isinstance(step.layer, MultiHeadAttention)]
    cache = widest = scores = 0
    for layer in layers:
        size = np.dtype(layer.compute_dtype).itemsize if layer.compute_dtype != "bfloat16" else 2
        cache += (layer.key.units + layer.value.units) * max(slots, source_time) * size
        widest = max(widest, layer.query.units)
        scores = max(scores, layer.heads * max(time, source_time) ** 2)
    copies = max(config.beams, 1 + 2 * (config.top_k or 0) if config.contrastive_alpha is not None else 1)
    prefill = 4 * (WIDE_ARRAYS * widest * max(time, source_time) + scores)
    return copies * (CACHE_COPIES * cache + 4 * LOGITS_ARRAYS * network.vocabulary) + prefill


def in_batches(group: Sequence[int], size: Callable[[int], int], run: Callable[[Sequence[int]], None]) -> None:
    """Run a group of prompts in batches; where memory does not suffice, with half as many rows.

    Args:
        group: indices of prompts, the longest first.
        size: `size(i)` is the most rows of a batch whose longest prompt is that of index i.
        run: `run(indices)` runs a batch.
    """
    start, most = 0, len(group)
    while start < len(group):
        rows = group[start : start + min(most, size(group[start]))]
        try:
            run(rows)
        except Exception as error:
            if len(rows) == 1 or not backend.is_out_of_memory(error):
                raise
            most = (len(rows) + 1) // 2
            console.print(f"Out of memory with {len(rows)} prompts at once: on with {most}.")
        else:
            start += len(rows)
