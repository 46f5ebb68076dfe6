"""Stacked GRU (gated recurrent unit) layers, in one or both directions.

Cho 2014, https://arxiv.org/abs/1406.1078, with the reset gate after the matrix product as in cuDNN and PyTorch.
"""

from dataclasses import dataclass

from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells


@dataclass(frozen=True, kw_only=True)
class GRU(RecurrentStack):
    """Stacked GRU layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = cells.GRU
