"""The small networks that the tests of transforms share."""

from causal_models import causal_model, gpt2

__all__ = ["causal_model", "gpt2"]
