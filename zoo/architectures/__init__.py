"""Architectures: one file is one backbone, from token ids to features, registered under the file's name."""

from zoo.architectures._architecture import Architecture, fact

__all__ = ["Architecture", "fact"]
