"""Pipelines: a trained model with its tokenizer and objective, to predict, generate, evaluate, save and load."""
