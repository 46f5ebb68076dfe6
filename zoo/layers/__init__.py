"""Keras layers that two or more networks use."""
