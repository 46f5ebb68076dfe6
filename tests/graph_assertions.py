"""Assertions that a tokenizer in a TensorFlow graph gives the ids and offsets of the same tokenizer in Python."""

import unicodedata

import tensorflow as tf
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = settings(max_examples=30, suppress_health_check=list(HealthCheck))
TEXT = st.binary(max_size=30) | st.text(max_size=30).map(str.encode)


class Exported(tf.Module):
    """A graph tokenizer in `tf.function`s, as in an exported model."""

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer
        self.traces = 0

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, texts):
        self.traces += 1
        return self.tokenizer(texts)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ragged_ids(self, texts):
        return self.tokenizer.ragged_ids(texts)


def assert_same_characters(tokenizer, ragged_ids, texts):
    """Assert that the graph's ids and offsets are the tokenizer's; the message has the first text that differs."""
    actual = ragged_ids(tf.constant(texts, tf.string))
    spans = tf.RaggedTensor.from_row_lengths(tf.stack([actual.starts, actual.ends], 1), actual.lengths).to_list()
    ids = tf.RaggedTensor.from_row_lengths(actual.ids, actual.lengths).to_list()
    encodings = tokenizer.encode_batch(texts, special=False)
    for text, actual_ids, offsets, expected in zip(texts, ids, spans, encodings, strict=True):
        assert actual_ids == expected.ids.tolist(), text
        assert offsets == expected.offsets.tolist() or any(map(is_reordered_mark, text.decode(errors="replace"))), text


def is_reordered_mark(character):
    """Whether canonical order moves a mark that the library does not strip as an accent.

    The library then gives the offsets of other marks; the graph gives the true ones.
    """
    parts = unicodedata.normalize("NFD", character)
    rare = (part for part in parts if unicodedata.category(part) == "Mc" or ord(part) > 0xFFFF)
    return any(unicodedata.combining(part) > 0 for part in rare)


def assert_same(tokenizer, function, *columns, **options):
    """Assert that graph and tokenizer give the same ids; the message has the first text that differs."""
    rows = function(*(tf.constant(column, tf.string) for column in columns)).to_list()
    encodings = tokenizer.encode_batch(*columns, **options)
    for texts, row, expected in zip(zip(*columns, strict=True), rows, encodings, strict=True):
        assert row == expected.ids.tolist(), (texts, options)
