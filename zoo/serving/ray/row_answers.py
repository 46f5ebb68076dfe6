"""Answers of a SavedModel's rows in the form of `zoo predict`: what `zoo.objectives` make of the same decisions.

outputs of a row                        | answer
--------------------------------------- | -----------------------------------------------------------------
labels, probabilities                   | label, probabilities {label: probability}
labels, probabilities, selected         | labels, probabilities {label: probability}
labels or tags, texts, starts, ends ... | tags: a list of spans; beside it any label and its probability
guesses, scores, text                   | text, masks: {token: probability} of each mask
answer, start, end, ...                 | the same, with None for offsets of -1
others, such as score, vector, text     | the same
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.data.fields import LABEL_SEPARATOR

SPAN = ("texts", "starts", "ends", "scores")
Outputs = Mapping[str, Any]  # of a row, as Python values


class RowAnswers:
    """The answers of outputs, with the interface of `zoo.objectives.Objective` that prediction files need."""

    def answer_fields(self, outputs: Outputs) -> dict[str, Any]:
        """The answer as {name: value} for JSON."""
        if set(SPAN) <= set(outputs):
            return _tags(outputs)
        if {"labels", "probabilities"} <= set(outputs):
            return _labels(outputs)
        if {"guesses", "scores"} <= set(outputs):
            return {"text": outputs["text"], "masks": _masks(outputs)}
        if {"start", "end"} <= set(outputs):
            offsets = {name: outputs[name] if outputs[name] >= 0 else None for name in ("start", "end")}
            return dict(outputs) | offsets
        return dict(outputs)

    def answer_columns(self, outputs: Outputs) -> dict[str, Any]:
        """The answer as {column: value} of a table."""
        answer = self.answer_fields(outputs)
        probabilities = answer.pop("probabilities", None)
        if probabilities is None:
            return answer
        if "labels" in answer:
            answer["labels"] = LABEL_SEPARATOR.join(answer["labels"])
        else:
            answer["probability"] = probabilities[answer["label"]]
        return answer | {f"probability_{label}": probabilities[label] for label in sorted(probabilities)}


def _labels(outputs):
    probabilities = dict(zip(outputs["labels"], outputs["probabilities"], strict=True))
    if "selected" not in outputs:
        return {"label": outputs["labels"][0], "probabilities": probabilities}
    pairs = zip(outputs["labels"], outputs["selected"], strict=True)
    return {"labels": [label for label, is_selected in pairs if is_selected], "probabilities": probabilities}


def _tags(outputs):
    key = "tags" if "tags" in outputs else "labels"
    columns = (outputs[name] for name in ("texts", key, "scores", "starts", "ends"))
    tags = [
        {"text": text, key.removesuffix("s"): name, "score": score, "start": start, "end": end}
        for text, name, score, start, end in zip(*columns, strict=True)
        if start >= 0  # -1 is padding
    ]
    return {name: outputs[name] for name in ("label", "probability") if name in outputs} | {"tags": tags}


def _masks(outputs):
    pairs = zip(outputs["guesses"], outputs["scores"], strict=True)
    masks = [dict(zip(guesses, scores, strict=True)) for guesses, scores in pairs]
    return [{token: score for token, score in mask.items() if token} for mask in masks if any(mask)]
