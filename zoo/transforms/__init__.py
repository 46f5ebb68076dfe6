"""Graph transforms: from a `keras.Model` to another one with the same weights."""
