"""The small networks that the tests of transforms share."""

from writers import gpt2, writer

__all__ = ["gpt2", "writer"]
