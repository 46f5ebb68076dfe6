"""Training: `compile` + `fit` with everything around them that a run needs."""

from zoo.training.run import train

__all__ = ["train"]
