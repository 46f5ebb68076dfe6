"""Training: `compile` + `fit` with everything around them that a run needs."""
