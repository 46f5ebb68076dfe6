"""Next-sentence prediction on customer-support messages, the embedded sample, by an LSTM.

zoo train lstm_helpdesk_next_sentence
"""

from zoo.architectures.lstm import LSTM
from zoo.objectives.next_sentence import NextSentence
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=LSTM(width=64, units=64, bidirectional=True, embedding_dropout=0.3, dropout=0.3),
    objective=NextSentence(length=64, dropout=0.3),
    tokenizer=Words(vocabulary=2_000),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=15, batch_size=16, learning_rate=2e-3, patience=5),
)
