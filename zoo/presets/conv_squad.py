"""Extractive question answering (SQuAD, Rajpurkar 2016, arXiv:1606.05250) by convolutions, trained from scratch.

zoo train conv_squad --data FOLDER
"""

from zoo.architectures.conv import Conv
from zoo.objectives.find_span import FindSpan
from zoo.presets import Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=Conv(depth=4, kernel=5, dilation_growth=1, word_dropout=0.0, embedding_dropout=0.2),
    objective=FindSpan(length=320, question_length=40, answer_length=15, match_question=True, dropout=0.1),
    tokenizer=Words(vocabulary=25_000),
    training=Training(epochs=6, batch_size=32, learning_rate=1.5e-3, warmup=0.05, patience=2),
)
