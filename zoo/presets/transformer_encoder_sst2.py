"""Sentiment classification (SST-2, Socher 2013) by a small Transformer encoder.

zoo train transformer_encoder_sst2
"""

from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=TransformerEncoder(
        width=64, depth=2, heads=4, hidden=128, embedding_dropout=0.5, word_dropout=0.1, dropout=0.2, positions="rotary"
    ),
    objective=ClassifyText(length=64, dropout=0.5),
    tokenizer=Words(vocabulary=10_000),
    data=Data(spec="tfds:glue/sst2"),
    training=Training(epochs=12, batch_size=50, learning_rate=1e-3, ema=0.995, patience=5),
)
