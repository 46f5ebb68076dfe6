"""Operations of an exported graph beside the tokenizer: batching and random numbers; all import TensorFlow."""
