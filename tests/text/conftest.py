"""The tokenizers that the tests of this folder share."""

from tokenizer_cases import corpus, lines, make, tokenizer

__all__ = ["corpus", "lines", "make", "tokenizer"]
