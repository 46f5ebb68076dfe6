"""Tokenizers: one file is one algorithm, trained on texts and registered under the file's name."""

from zoo.tokenizers._tokenizer import TokenizerSpec

__all__ = ["TokenizerSpec"]
