"""Layers of gated recurrent units: one gate mixes the old state with the new, one hides it from the new.

Cho 2014, https://arxiv.org/abs/1406.1078, with the reset after the matrix product as in cuDNN and PyTorch, in any
number of layers and in one direction or both.
"""

from dataclasses import dataclass

from zoo.architectures import Architecture
from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells


@dataclass(frozen=True, kw_only=True)
class GRU(RecurrentStack, Architecture):
    """Stacked GRU layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = cells.GRU
