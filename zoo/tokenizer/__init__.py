"""Tokenizers: text to ids and back, with character offsets, and the same inside a TensorFlow graph."""

from zoo.tokenizer.layout import Encoding
from zoo.tokenizer.settings import FIRST, MASK, PAD, SEPARATOR, SPECIAL_TOKENS, UNKNOWN, Tokenizer
from zoo.tokenizer.trained import TrainedTokenizer

__all__ = [
    "FIRST",
    "MASK",
    "PAD",
    "SEPARATOR",
    "SPECIAL_TOKENS",
    "UNKNOWN",
    "Encoding",
    "Tokenizer",
    "TrainedTokenizer",
]
