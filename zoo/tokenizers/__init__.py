"""Tokenizers, one a file: the file's name is its registration."""
