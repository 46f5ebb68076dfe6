"""Baselines: chance and simple models on the same records, which say what a trained model's scores are worth."""

from zoo.training.baselines import (
    answer_baselines,
    label_baselines,
    pair_baselines,
    tag_baselines,
    token_baselines,
)
from zoo.training.baselines.baseline import CHANCE, BaselineData, baselines_of
from zoo.training.baselines.scoring_baselines import with_baselines

FILES = (answer_baselines, label_baselines, pair_baselines, tag_baselines, token_baselines)  # register baselines

__all__ = ["CHANCE", "BaselineData", "baselines_of", "with_baselines"]
