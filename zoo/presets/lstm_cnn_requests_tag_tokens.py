"""Slot filling of voice-assistant requests, the embedded sample of SNIPS, by an LSTM-CNN-CRF.

zoo train lstm_cnn_requests_tag_tokens
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.bytes import Bytes

PRESET = Preset(
    architecture=LSTMCNN(buckets=2**14, embedding_dropout=0.5, dropout=0.0),
    objective=TagTokens(length=512, crf=True),
    tokenizer=Bytes(),
    data=Data(spec="sample:requests"),
    training=Training(
        epochs=20, batch_size=16, learning_rate=3e-3, schedule="constant", warmup=0.0, ema=0.99, patience=5
    ),
)
