"""The worst mistakes of a model: the test records with the highest loss, or else with the lowest score."""

import json
import math
from collections.abc import Sequence
from typing import Any

from zoo.objectives import Objective
from zoo.runtime.errors import single_line
from zoo.training.markdown import table_columns
from zoo.training.run_list import LOWER_IS_BETTER

COUNT = 50  # rows of the table
RECORDS = 2000  # that are searched: each is scored by itself
ERRORS = ("loss", "mse", "error")  # scores by which records are ranked, in this order
CORRELATIONS = ("pearson", "spearman")  # undefined for a single record


def worst_mistakes(
    objective: Objective, decisions: Sequence[dict[str, Any]], records: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row for each of the worst records: its scores, inputs, truth and prediction; the worst first.

    Records with a perfect score are no mistakes, whatever their loss.
    """
    rows = []
    for decision, record in zip(decisions[:RECORDS], records[:RECORDS], strict=True):
        scores = objective.scores([decision], [record])
        if not _is_perfect(objective.monitor, scores):
            names = [objective.monitor, *(name for name in ERRORS if name in scores)]
            row_scores = {name: float(scores[name]) for name in names if name in scores and name not in CORRELATIONS}
            error = next((scores[name] for name in ERRORS if name in scores), -row_scores.get(objective.monitor, 0.0))
            if scores.get("loss") == 0:  # a mistake without a loss: its label is not in the training data
                error = math.inf
            rows.append((error, row_scores | _texts(objective, decision, record)))
    rows.sort(key=lambda pair: -pair[0])
    worst = [row for _, row in rows[:COUNT]]
    columns = [name for name in table_columns(worst) if any(row.get(name, "") != "" for row in worst)]
    return [{name: row.get(name, "") for name in columns} for row in worst]


def _is_perfect(monitor, scores):
    """Whether the scores of one record could not be better; F1 is 0 where there is nothing to find, accuracy 1."""
    if monitor.endswith(LOWER_IS_BETTER) or monitor in CORRELATIONS:
        return False
    return scores.get(monitor, 0.0) >= 1 or scores.get("accuracy", 0.0) >= 1


def _texts(objective, decision, record):
    fields, inputs = objective.fields, input_texts(objective, record)
    truth = [name for name in (*fields.required, *fields.optional) if name not in inputs and name != "tokens"]
    texts = inputs | {name: record.get(name, "") for name in truth}
    prediction = format_answer(objective, decision, record)
    return {name: _text(value) for name, value in texts.items()} | {"prediction": prediction}


def input_texts(objective: Objective, record: dict[str, Any]) -> dict[str, str]:
    """{field: text} that a record is predicted from; tokens are joined to one text."""
    if "tokens" in record:
        return {"text": " ".join(record["tokens"])}
    return {name: record[name] for name in objective.fields.inputs if name in record}


def format_answer(objective: Objective, decision: dict[str, Any], record: dict[str, Any]) -> str:
    """The answer for a record as a line of text.

    "" where the decision is a loss only, as of language models, and for documents in place of pairs.
    """
    complete = "tokens" in record or set(objective.fields.inputs) <= record.keys()
    if not complete or (objective.monitor == "perplexity" and decision.get("text") is None):
        return ""
    return single_line(objective.format(objective.answer(decision, record)))


def _text(value):
    return single_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
