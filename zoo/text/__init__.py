"""Tokenization: text to ids and back, with character offsets. Inside a TensorFlow graph: `zoo.export.tokenizer`."""
