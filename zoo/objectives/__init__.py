"""Objectives, that is tasks: one file holds a task's examples, head, loss, decision and scores.

The name of the file is its registration.
"""

from zoo.objectives._building import build_model, compile_model
from zoo.objectives._objective import Calibrates, Generates, Objective, PromptTemplate, Reports
from zoo.objectives._preparation import Fields, Preparation

__all__ = [
    "Calibrates",
    "Fields",
    "Generates",
    "Objective",
    "Preparation",
    "PromptTemplate",
    "Reports",
    "build_model",
    "compile_model",
]
