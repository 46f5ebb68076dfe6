"""Published weights in and out: folders of Hugging Face transformers, read into a network and written from one."""

from zoo.weights.importing import import_model
from zoo.weights.loading import load_weights

__all__ = ["import_model", "load_weights"]
