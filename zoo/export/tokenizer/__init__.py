"""Tokenizers inside a TensorFlow graph. The only part of `zoo.tokenizer` that imports TensorFlow; import it in need."""
