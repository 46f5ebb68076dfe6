"""Presets: one file is one experiment; the file's name is its registration."""

from zoo.presets._preset import Data, LoRA, Preset, Training, Tuning

__all__ = ["Data", "LoRA", "Preset", "Training", "Tuning"]
