"""Tokenizers inside a TensorFlow graph. The only part of `zoo.tokenizer` that imports TensorFlow; import it in need."""

from zoo.tokenizer.graph.twin import Twin

__all__ = ["Twin"]
