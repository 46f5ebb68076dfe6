"""Language model of Wikipedia articles (WikiText-2, Merity 2016, arXiv:1609.07843): an LSTM.

zoo train lstm_wikitext2 --data FOLDER
"""

from zoo.architectures.lstm import LSTM
from zoo.objectives.next_token import NextToken
from zoo.presets import Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=LSTM(width=256, units=256, tied=True, embedding_dropout=0.3, dropout=0.4),
    objective=NextToken(length=70, stateful=True, overlap=35),
    tokenizer=Words(vocabulary=33_283, lower=False, whitespace=True),
    training=Training(epochs=7, batch_size=20, learning_rate=3e-3, weight_decay=0.0, clip_norm=0.25, patience=2),
)
