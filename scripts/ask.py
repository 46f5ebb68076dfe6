"""Classify texts with an exported SavedModel in plain TensorFlow: python scripts/ask.py FOLDER TEXT..."""

import sys

import tensorflow as tf

folder, *texts = sys.argv[1:]
serve = tf.saved_model.load(folder).signatures["serving_default"]
answers = serve(text=tf.constant(texts))
for text, labels, probabilities in zip(texts, answers["labels"].numpy(), answers["probabilities"].numpy(), strict=True):
    print(f"{labels[0].decode()} {probabilities[0]:.3f}  {text}")
