"""Stacked plain (Elman) recurrent layers, in one or both directions.

Elman 1990, Finding Structure in Time, https://doi.org/10.1207/s15516709cog1402_1.
"""

from dataclasses import dataclass

from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells


@dataclass(frozen=True, kw_only=True)
class RNN(RecurrentStack):
    """Stacked plain recurrent layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = cells.RNN
