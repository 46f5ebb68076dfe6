"""Fixtures of the generation tests: small causal networks."""

from causal_models import causal_model, gpt2

__all__ = ["causal_model", "gpt2"]
