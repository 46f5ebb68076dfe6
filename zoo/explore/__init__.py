"""Interpretability: attention, states, filters, attributions and layers of a trained model, captured and shown."""
