"""Tokenizers at work: text to ids and back, with character offsets. The same inside a graph: `zoo.export.tokenizer`."""
