"""Training: `compile` and `fit` with validation, checkpoints, freezing, model cards and model soups."""
