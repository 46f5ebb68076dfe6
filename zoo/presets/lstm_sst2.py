"""Sentiment classification (SST-2, Socher 2013) by a bidirectional LSTM.

zoo train lstm_sst2
"""

from zoo.architectures.lstm import LSTM
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=LSTM(width=128, units=64, bidirectional=True, embedding_dropout=0.5, dropout=0.0),
    objective=ClassifyText(length=64, pooling="attention", dropout=0.5),
    tokenizer=Words(vocabulary=10_000),
    data=Data(spec="tfds:glue/sst2"),
    training=Training(
        epochs=8,
        batch_size=50,
        learning_rate=1e-3,
        schedule="constant",
        warmup=0.0,
        clip_norm=0.0,
        ema=0.995,
        patience=3,
    ),
)
