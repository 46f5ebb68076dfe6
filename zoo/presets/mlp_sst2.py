"""Sentiment classification (SST-2, Socher 2013) by a linear model of character n-grams.

zoo train mlp_sst2

N-grams are scaled by their naive Bayes log-count ratio: Wang & Manning 2012, https://aclanthology.org/P12-2018.
"""

from zoo.architectures.mlp import MLP
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.characters import Characters

PRESET = Preset(
    architecture=MLP(features="sublinear_tfidf", naive_bayes=True, ngrams=6, buckets=2**19, hidden=2, depth=0),
    objective=ClassifyText(length=400, dropout=0.0),
    tokenizer=Characters(lower=True),
    data=Data(spec="tfds:glue/sst2"),
    training=Training(
        epochs=12,
        batch_size=50,
        learning_rate=1e-3,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        clip_norm=0.0,
        ema=0.995,
        patience=4,
    ),
)
