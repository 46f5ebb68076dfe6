"""Recipes: presets for your own data, one file each, whose settings are chosen from the data and the machine."""

from zoo.recipes._recipe import Choice, Recipe, Resources

__all__ = ["Choice", "Recipe", "Resources"]
