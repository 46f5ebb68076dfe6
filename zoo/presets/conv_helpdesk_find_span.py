"""Extractive question answering on customer-support messages, the embedded sample, by a convolutional network.

zoo train conv_helpdesk_find_span
"""

from zoo.architectures.conv import Conv
from zoo.objectives.find_span import FindSpan
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=Conv(kernel=5, dilation_growth=1, word_dropout=0.05, embedding_dropout=0.2),
    objective=FindSpan(length=192, stride=64, question_length=32, answer_length=24, match_question=True, dropout=0.2),
    tokenizer=WordPieces(vocabulary=800),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=15, batch_size=16, learning_rate=2e-3, patience=5),
)
