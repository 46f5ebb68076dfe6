"""Intents and slots of your own requests together: fine-tuned pretrained weights, or an LSTM-CNN-CRF from scratch.

zoo train classify_and_tag --data DATA
"""

from dataclasses import replace
from typing import Any

from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.recipes import Choice, Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes.tag_tokens import TagTokensRecipe


class ClassifyAndTagRecipe(Recipe):
    """A label for each text and a tag for each of its words."""

    fields = ("tokens", "tags", "label")

    def choose(self, data, resources):
        choice, _ = finetune(ClassifyAndTag(length=128, dropout=0.1), data, resources, ("tokens",))
        if choice:
            return choice
        tagger = TagTokensRecipe().choose(data, replace(resources, init="", pretrained=None))
        tags: Any = tagger.preset.objective
        objective = ClassifyAndTag(length=tags.length, crf=tags.crf)
        return Choice(replace(tagger.preset, objective=objective), tagger.reasons)
