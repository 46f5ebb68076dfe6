"""Intent classification of voice-assistant requests (SNIPS, Coucke 2018, arXiv:1805.10190), bidirectional LSTM.

zoo train lstm_snips --data FOLDER
"""

from zoo.architectures.lstm import LSTM
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=LSTM(width=64, units=64, bidirectional=True, embedding_dropout=0.5, dropout=0.0),
    objective=ClassifyText(length=64, dropout=0.5),
    tokenizer=Words(vocabulary=12_000),
    data=Data(columns={"text": "tokens", "label": "intent"}),
    training=Training(
        epochs=8,
        batch_size=100,
        learning_rate=2e-3,
        schedule="constant",
        warmup=0.0,
        clip_norm=0.0,
        ema=0.99,
        patience=3,
    ),
)
