"""Random numbers of sampling inside a TensorFlow graph are those of NumPy, to the bit."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.generation.noise import noise, prompt_key

if keras.config.backend() != "tensorflow":
    pytest.skip("the graph runs in TensorFlow: tested on that backend", allow_module_level=True)

import tensorflow as tf

from zoo.export.graph.graph_noise import graph_noise, hash_ids, prompt_keys

IDS = st.lists(st.integers(0, 2**31 - 1), max_size=9)
ROWS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**31 - 1), IDS, IDS), min_size=1, max_size=5
)


def padded(rows):
    """(rows, time) ids whose padding is no zero, and lengths."""
    ids = np.full((len(rows), 12), 5, "int32")
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    return ids, np.array([len(row) for row in rows], "int32")


@tf.function
def in_graph(seeds, repeats, prompts, lengths, sources, source_lengths):
    keys = prompt_keys(hash_ids(prompts, lengths), hash_ids(sources, source_lengths))
    return keys, graph_noise(seeds, keys, repeats, 40)


@given(rows=ROWS)
def test_numbers_are_those_of_numpy(rows):
    seeds, repeats, prompts, sources = zip(*rows, strict=True)
    keys, numbers = in_graph(tf.constant(seeds, tf.int64), tf.constant(repeats), *padded(prompts), *padded(sources))
    expected = [prompt_key(prompt, source) for prompt, source in zip(prompts, sources, strict=True)]
    assert keys.numpy().tolist() == expected
    np.testing.assert_array_equal(numbers, noise(seeds, expected, repeats, range(40)))
