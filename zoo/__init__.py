"""zoo: deep learning for natural language in Keras 3, from a text file to a SavedModel that answers raw strings."""

from zoo.build import build
from zoo.catalog import names
from zoo.dataset import open_dataset
from zoo.pipeline import Pipeline, load
from zoo.preset import Data, Preset, Training
from zoo.training import train

__all__ = ["Data", "Pipeline", "Preset", "Training", "build", "load", "names", "open_dataset", "train"]
