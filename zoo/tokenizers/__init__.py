"""Tokenizers: one file is one algorithm, trained from texts; the file's name is its registration."""

from zoo.tokenizers._tokenizer import TokenizerSpec

__all__ = ["TokenizerSpec"]
