"""Plain recurrent layers: the new state is a squashed sum of the input and the old state.

Elman 1990, Finding Structure in Time, https://doi.org/10.1207/s15516709cog1402_1, here in any number of layers and in
one direction or both.
"""

from dataclasses import dataclass

from zoo.architectures import Architecture
from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells


@dataclass(frozen=True, kw_only=True)
class RNN(RecurrentStack, Architecture):
    """Stacked plain recurrent layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = cells.RNN
