"""Language model of customer-support messages, the embedded sample: an LSTM.

zoo train lstm_helpdesk_next_token
"""

from zoo.architectures.lstm import LSTM
from zoo.objectives.next_token import NextToken
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=LSTM(width=96, units=96, tied=True, embedding_dropout=0.4, dropout=0.4),
    objective=NextToken(length=48),
    tokenizer=Words(vocabulary=2_000),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=60, batch_size=8, learning_rate=5e-3, patience=0),
)
