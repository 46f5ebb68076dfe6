"""Layers of gated recurrent units: one gate mixes the old state with the new, one hides it from the new.

Cho 2014, https://arxiv.org/abs/1406.1078, with the reset after the matrix product as in cuDNN and PyTorch, in any
number of layers and in one direction or both.
"""

from dataclasses import dataclass

from zoo.architecture import Architecture
from zoo.layers import recurrent


@dataclass(frozen=True, kw_only=True)
class GRU(recurrent.RecurrentStack, Architecture):
    """Stacked GRU layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = recurrent.GRU
