"""Export: a SavedModel that takes raw strings."""
