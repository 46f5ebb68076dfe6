"""Objectives: one file is one thing to learn, with its examples, head, loss and scores.

The name of the file is its registration.
"""

from zoo.objectives._objective import Objective, PromptTemplate

__all__ = ["Objective", "PromptTemplate"]
