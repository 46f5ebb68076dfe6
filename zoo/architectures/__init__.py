"""Architectures: one file is one network, from token ids to features; the file's name is its registration."""

from zoo.architectures._architecture import Architecture, fact

__all__ = ["Architecture", "fact"]
