"""Tokenizers: text to ids and back, with character offsets, and the same inside a TensorFlow graph."""
