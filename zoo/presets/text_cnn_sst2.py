"""Sentiment classification (SST-2, Socher 2013) by Kim's convolutional network (Kim 2014, arXiv:1408.5882).

zoo train text_cnn_sst2
"""

from zoo.architectures.text_cnn import TextCNN
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=TextCNN(width=64, embedding_dropout=0.5, word_dropout=0.1),
    objective=ClassifyText(length=64, dropout=0.0),
    tokenizer=Words(vocabulary=10_000),
    data=Data(spec="tfds:glue/sst2"),
    training=Training(
        epochs=10,
        batch_size=50,
        learning_rate=1e-3,
        schedule="constant",
        warmup=0.0,
        clip_norm=0.0,
        ema=0.995,
        patience=4,
    ),
)
