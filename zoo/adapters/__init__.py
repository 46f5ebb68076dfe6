"""Adapters: what was learned upon a backbone that stayed as it was, apart from it; several upon one backbone."""

from zoo.adapters.merging import merge
from zoo.adapters.switching import Adapters

__all__ = ["Adapters", "merge"]
