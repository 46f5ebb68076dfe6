"""Evaluation metrics of decisions on held-out records."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.objectives import Objective, Reports


def scores_and_tables(
    objective: Objective, decisions: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]
) -> tuple[dict[str, float], list[dict[str, Any]], np.ndarray | None]:
    """Evaluation metrics: `(scores, scores per class, confusion matrix)` of a list of decisions, one for each record.

    Objectives without such reports have no scores per class, and None as their confusion matrix.
    """
    scores = objective.scores(decisions, records)
    if not isinstance(objective, Reports):
        return scores, [], None
    return scores, objective.per_class(decisions, records), objective.confusion_matrix(decisions, records)
