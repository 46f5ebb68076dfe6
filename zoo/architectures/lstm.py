"""Layers of long short-term memory: gates decide what a cell takes in, keeps and shows.

Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735, with forget gates (Gers 2000,
https://doi.org/10.1162/089976600300015015) and without peepholes, in any number of layers and in one direction or both.
"""

from dataclasses import dataclass

from zoo.architectures import Architecture
from zoo.architectures._recurrent import RecurrentStack
from zoo.layers.recurrent import cells


@dataclass(frozen=True, kw_only=True)
class LSTM(RecurrentStack, Architecture):
    """Stacked LSTM layers: (batch, time, units) features, 2 * units where directions are concatenated."""

    layer = cells.LSTM
