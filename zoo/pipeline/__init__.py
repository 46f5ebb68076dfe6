"""A trained model with its tokenizer and objective: predict, generate, evaluate, save and load."""
