"""Slot filling of voice-assistant requests (SNIPS, Coucke 2018, arXiv:1805.10190) by an LSTM-CNN-CRF.

zoo train lstm_cnn_snips_slots --data FOLDER
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.presets import Preset, Training
from zoo.tokenizers.bytes import Bytes

PRESET = Preset(
    architecture=LSTMCNN(buckets=2**16, embedding_dropout=0.5, dropout=0.0),
    objective=TagTokens(length=512, crf=True),
    tokenizer=Bytes(),
    training=Training(
        epochs=20, batch_size=50, learning_rate=2e-3, schedule="constant", warmup=0.0, ema=0.99, patience=4
    ),
)
