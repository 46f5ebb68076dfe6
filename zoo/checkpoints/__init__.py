"""Checkpoints of Hugging Face transformers and KerasHub: load them into a network, export a model to their format."""
