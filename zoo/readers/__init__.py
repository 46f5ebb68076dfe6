"""Readers: one file is one format or source of records; the file's name is its registration."""

from zoo.readers._reader import Reader, Source

__all__ = ["Reader", "Source"]
