"""Stacked LSTM layers, in one or both directions.

Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735, with forget gates (Gers 2000,
https://doi.org/10.1162/089976600300015015) and without peepholes.
"""

from dataclasses import dataclass

from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells


@dataclass(frozen=True, kw_only=True)
class LSTM(RecurrentStack):
    """Stacked LSTM layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = cells.LSTM
